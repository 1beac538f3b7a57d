/**
 * What this project measures itself by: suites of cases, and outputs that other programs check. Not
 * part of the API: it changes without notice.
 */
@NullMarked
package dev.linformer.bench.internal;

import org.jspecify.annotations.NullMarked;
