import { SprfError } from "../../errors.ts";
import type { StoreChange } from "../../ports/store.ts";

const TABLE = /^[a-z][a-z-]*$/;
/** Printable ASCII: then every implementation sorts and cuts keys in the same way. */
const KEY = /^[\x20-\x7e]+$/;

/** @throws SprfError `INVALID_INPUT` for a table or key that the port does not allow */
export function checkChanges(changes: readonly StoreChange[]): void {
  for (const { table, key } of changes) {
    if (!TABLE.test(table)) throw new SprfError("INVALID_INPUT", `${JSON.stringify(table)} is not the name of a table`);
    if (!KEY.test(key)) throw new SprfError("INVALID_INPUT", `${JSON.stringify(key)} is not a key in printable ASCII`);
  }
}
