package dev.linformer.io.internal;

import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** What went wrong with a file, in words: Java says it with the names of its classes. */
public final class FileProblem {

  private FileProblem() {}

  /** Why reading or writing failed, without the file's name where the system gives it apart. */
  public static String words(IOException failure) {
    if (failure instanceof NoSuchFileException) {
      return "no such file or folder";
    } else if (failure instanceof AccessDeniedException) {
      return "permission denied";
    } else if (failure instanceof FileAlreadyExistsException) {
      return "it is there already";
    } else if (failure instanceof NotDirectoryException) {
      return "it is no folder";
    } else if (failure instanceof DirectoryNotEmptyException) {
      return "the folder is not empty";
    } else if (failure instanceof CharacterCodingException) {
      return "it is no UTF-8 text";
    } else if (failure instanceof EOFException) {
      return "it ends too early";
    }
    String said =
        failure instanceof FileSystemException system ? system.getReason() : failure.getMessage();
    return said == null || said.isBlank() ? "input or output failed" : said;
  }
}
