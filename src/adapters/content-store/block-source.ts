import type { CID } from "multiformats/cid";

import type { Startable } from "../../ports/startable.ts";

/** Where blocks come from that are not on this machine. */
export interface BlockSource extends Startable {
  /**
   * One block; the caller checks its hash.
   *
   * @throws SprfError `CONTENT_NOT_FOUND` when nobody serves it in time, `ABORTED`
   */
  fetch(cid: CID, options: { signal: AbortSignal | undefined }): Promise<Uint8Array>;
  /** Tells peers that wait for the block that it is here now. */
  announce(cid: CID): Promise<void>;
}
