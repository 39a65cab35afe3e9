import { openKeystore } from "./adapters/keystore/encrypted-file.ts";
import { readText } from "./config/load.ts";
import type { Settings } from "./config/schema.ts";
import { deriveTwinKeys, type TwinKeys } from "./domain/identity/keys.ts";
import { SprfError } from "./errors.ts";

/**
 * The keys that the settings name.
 *
 * @throws SprfError `NO_KEYS` when they name none, `CONFIG_INVALID` for a keystore without a password, and what opening a keystore throws
 */
export async function createKeys({ identity }: Pick<Settings, "identity">): Promise<TwinKeys> {
  const { accountIndex, keystore, passwordFile } = identity;
  if (keystore !== undefined) {
    if (passwordFile === undefined) {
      throw new SprfError("CONFIG_INVALID", "identity.passwordFile: a keystore needs one (SPRF_PASSWORD_FILE)");
    }
    const password = (await readText(passwordFile)).trimEnd();
    return deriveTwinKeys(await openKeystore(keystore, password), { accountIndex });
  }
  if (identity.mnemonic === undefined) {
    throw new SprfError("NO_KEYS", "identity: no keystore is set (SPRF_KEYSTORE), nor words (SPRF_MNEMONIC)");
  }
  return deriveTwinKeys(identity.mnemonic, { accountIndex });
}
