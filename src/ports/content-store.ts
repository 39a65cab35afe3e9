import type { Startable } from "./startable.ts";

export interface ContentOptions {
  readonly signal?: AbortSignal | undefined;
}

/** A file that is stored: what a directory's link to it says. */
export interface StoredFile {
  readonly cid: string;
  /** Bytes of all its blocks. */
  readonly dagBytes: number;
}

/** One entry of a directory to store; a directory comes before what is in it, and each one's names are in their order. */
export interface DirectoryEntry {
  /** Relative, with `/`. */
  readonly path: string;
  /** Absent for a directory. */
  readonly file?: StoredFile | (() => AsyncIterable<Uint8Array>);
}

/** One entry of a stored directory. */
export interface ListedEntry {
  readonly path: string;
  readonly kind: "file" | "directory";
  readonly cid: string;
}

export interface PinOptions extends ContentOptions {
  /**
   * Who keeps it, in printable ASCII without spaces. A holder keeps a CID once, however often it pins it, so that a pin may be
   * repeated after a crash; without one, pins are counted.
   */
  readonly holder?: string | undefined;
}

/** Something that a holder keeps. */
export interface Held {
  readonly holder: string;
  readonly cid: string;
}

/**
 * Content by CID. Files are UnixFS with the profile `unixfs-v1-2025` (CIDv1, raw leaves, 1 MiB chunks, 1,024 links), so that
 * every implementation gives the same CID; records are single `dag-cbor` blocks. CIDs are strings in base32.
 */
export interface ContentStore extends Startable {
  /** Stores and pins a file, and returns its CID. */
  putFile(bytes: Uint8Array | AsyncIterable<Uint8Array>, options?: PinOptions): Promise<string>;
  /**
   * Stores and pins a directory: names and contents only, no metadata, and at most what the rules of states allow, so that it
   * is never sharded. A file that is given as stored must have been stored by this store; it is not read again.
   *
   * @returns its CID, and by path how each file is stored
   */
  putDirectory(
    entries: readonly DirectoryEntry[],
    options?: PinOptions,
  ): Promise<{ readonly cid: string; readonly files: ReadonlyMap<string, StoredFile> }>;
  /**
   * What is in a directory, in the order of `putDirectory`. Only the directories themselves are fetched.
   *
   * @throws SprfError what `get` throws (`CONTENT_CORRUPT` when it is no plain directory), `STATE_REFUSED` when it breaks the
   * rules of states
   */
  listDirectory(cid: string, options?: ContentOptions): Promise<readonly ListedEntry[]>;
  /** Stores and pins one block of canonical dag-cbor, at most 1 MiB. */
  putRecord(block: Uint8Array, options?: PinOptions): Promise<string>;
  /**
   * The bytes of a file or record, from disk or from peers, each block checked against its CID.
   *
   * @throws SprfError `CONTENT_NOT_FOUND` when no peer serves it before the deadline, `CONTENT_TOO_LARGE` past `maxBytes`,
   * `CONTENT_CORRUPT` when bytes do not match their CID, `INVALID_INPUT` when `cid` is none.
   */
  get(
    cid: string,
    options: ContentOptions & { readonly maxBytes: number; readonly offline?: boolean },
  ): AsyncIterable<Uint8Array>;
  /** Whether all of it is on this machine. */
  has(cid: string, options?: ContentOptions): Promise<boolean>;
  /** Fetches what is missing and keeps it until as many calls of `unpin`, or until its holder lets go of it. */
  pin(cid: string, options?: PinOptions): Promise<void>;
  /** Releases; unknown CIDs are ignored. Space is freed by the store's own collection. */
  unpin(cid: string, options?: PinOptions): Promise<void>;
  /** What holders keep whose names begin with `prefix`, in order of their names; a space after it means the name as a whole. */
  held(prefix: string, options?: ContentOptions): AsyncIterable<Held>;
}
