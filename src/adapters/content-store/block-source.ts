import type { CID } from "multiformats/cid";

import type { Startable } from "../../ports/startable.ts";

export interface FetchDagOptions {
  /** Of the file. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Takes a block that was checked. */
  store(cid: CID, bytes: Uint8Array): Promise<void>;
}

/** Where blocks come from that are not on this machine. */
export interface BlockSource extends Startable {
  /**
   * One block; the caller checks its hash.
   *
   * @throws SprfError `CONTENT_NOT_FOUND` when nobody serves it in time, `ABORTED`
   */
  fetch(cid: CID, options: { signal: AbortSignal | undefined }): Promise<Uint8Array>;
  /**
   * As many blocks of a file as it gets in one stream, checked; absent where there are no streams.
   *
   * @returns whether all of them came
   * @throws SprfError `CONTENT_TOO_LARGE`, and those of `signal` and of `store`
   */
  readonly fetchDag?: (root: CID, options: FetchDagOptions) => Promise<boolean>;
  /** Tells peers that wait for the block that it is here now. */
  announce(cid: CID): Promise<void>;
}
