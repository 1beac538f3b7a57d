package dev.linformer.model.data;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import com.knuddels.jtokkit.api.IntArrayList;
import dev.linformer.io.internal.Named;
import java.nio.charset.StandardCharsets;

/** Text as token ids. */
public enum Tokenizer {
  /** A token a byte of UTF-8. */
  BYTES(256),
  /** GPT-2's byte-pair encoding, whose vocabulary is part of the jtokkit library. */
  GPT2(50257);

  private static final class Gpt2 {
    private static final Encoding ENCODING =
        Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.R50K_BASE);
  }

  private final int size;

  Tokenizer(int size) {
    this.size = size;
  }

  /** Tokens are 0 … size − 1. */
  public int size() {
    return size;
  }

  /** The name in JSON. */
  public String word() {
    return Named.key(this);
  }

  /** The tokens of a text. What looks like GPT-2's end-of-text mark is text like any other. */
  public int[] encode(String text) {
    if (this == GPT2) {
      return Gpt2.ENCODING.encodeOrdinary(text).toArray();
    }
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] tokens = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      tokens[i] = Byte.toUnsignedInt(bytes[i]);
    }
    return tokens;
  }

  /** The bytes of UTF-8 that tokens stand for; cut anywhere, they may be no whole characters. */
  public byte[] decode(int[] tokens) {
    if (this == GPT2) {
      IntArrayList list = new IntArrayList(tokens.length);
      for (int token : tokens) {
        list.add(token);
      }
      return Gpt2.ENCODING.decodeBytes(list);
    }
    byte[] bytes = new byte[tokens.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) tokens[i];
    }
    return bytes;
  }
}
