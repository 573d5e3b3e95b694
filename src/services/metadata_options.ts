import { integer } from "../check.ts";
import type { MetadataLimits } from "./envelope/reader.ts";
import { DEFAULT_MAX_METADATA_BYTES, DEFAULT_MAX_METADATA_ENTRIES } from "./metadata.ts";

/** How much metadata a message from the peer may have. */
export interface MetadataOptions {
  /**
   * How many entries the metadata of one message from the peer may have. A call with more fails
   * with `resource-exhausted`. From 0 to 2^16.
   *
   * @default {128}
   */
  readonly maxMetadataEntries?: number;
  /**
   * How many bytes they may have together. A call with more fails with `resource-exhausted`. From
   * 0 to 2^24.
   *
   * @default {16384}
   */
  readonly maxMetadataBytes?: number;
}

/** Checks the options and fills in their defaults. */
export function checkMetadataLimits(options: MetadataOptions): MetadataLimits {
  const {
    maxMetadataEntries = DEFAULT_MAX_METADATA_ENTRIES,
    maxMetadataBytes = DEFAULT_MAX_METADATA_BYTES,
  } = options;
  return {
    maxMetadataEntries: integer("maxMetadataEntries", maxMetadataEntries, 0, 2 ** 16),
    maxMetadataBytes: integer("maxMetadataBytes", maxMetadataBytes, 0, 2 ** 24),
  };
}
