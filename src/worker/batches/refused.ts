import { SprfError } from "../../errors.ts";

/** Why a worker does not sign what another one proposes. */
export function refused(why: string): SprfError {
  return new SprfError("BATCH_REFUSED", why);
}
