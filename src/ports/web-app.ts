/** A file as browsers are given it. */
export interface WebFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly gzip: Uint8Array<ArrayBuffer>;
  /** Its media type. */
  readonly type: string;
  /** Quoted, as HTTP has it. */
  readonly etag: string;
  /** Its name changes with its content. */
  readonly isImmutable: boolean;
}

/** A built app, whole in memory. */
export interface WebApp {
  /** What every path that is a page is answered with. */
  readonly page: WebFile;
  /** By its path from the root on, with the slash. */
  file(path: string): WebFile | undefined;
}
