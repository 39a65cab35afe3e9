import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { createKeystore, openKeystore } from "./adapters/keystore/encrypted-file.ts";
import { systemRandom } from "./adapters/random/system.ts";
import { mnemonicOf, parseMnemonic } from "./domain/identity/keys.ts";
import { SprfError } from "./errors.ts";

const ENTROPY_BYTES = 16;
const EXTENSION = ".json";
const NAME = /^[a-zA-Z0-9][\w.-]{0,63}$/;

/** What can be read of a keystore without its password. */
export interface KeystoreEntry {
  readonly name: string;
  readonly path: string;
  /** Of its first account, 0x and 40 lower-case hex digits. */
  readonly account: string;
}

/** A folder of encrypted keystores. */
export interface Keystores {
  /**
   * A new keystore, of these words or of new ones.
   *
   * @throws SprfError `INVALID_INPUT` for a name that is none, words that are none or an empty password, `KEYSTORE_EXISTS`
   */
  create(name: string, password: string, words?: string): Promise<KeystoreEntry>;
  /** Those that are keystores, by name. */
  list(): Promise<readonly KeystoreEntry[]>;
  /** Its words. @throws SprfError `KEYSTORE_INVALID`, `KEYSTORE_WRONG_PASSWORD` */
  open(name: string, password: string): Promise<string>;
  pathOf(name: string): string;
}

const keystoreSchema = z.looseObject({ address: z.string().regex(/^[0-9a-fA-F]{40}$/), version: z.literal(3) });

/** The keystores in a folder, which is made when the first one is. */
export function createKeystores(directory: string): Keystores {
  const pathOf = (name: string): string => {
    if (!NAME.test(name)) throw new SprfError("INVALID_INPUT", `a keystore's name is letters, digits, _, . and -`);
    return join(directory, `${name}${EXTENSION}`);
  };

  async function entryOf(name: string): Promise<KeystoreEntry | undefined> {
    const path = pathOf(name);
    try {
      const { address } = keystoreSchema.parse(JSON.parse(await readFile(path, "utf8")));
      return { name, path, account: `0x${address.toLowerCase()}` };
    } catch {
      return undefined;
    }
  }

  return {
    pathOf,
    open: async (name, password) => await openKeystore(pathOf(name), password),
    async create(name, password, words) {
      const mnemonic =
        words === undefined ? mnemonicOf(systemRandom.bytes(ENTROPY_BYTES)) : parseMnemonic(words).phrase;
      await createKeystore(pathOf(name), mnemonic, password);
      const entry = await entryOf(name);
      if (entry === undefined) throw new SprfError("INTERNAL", `${pathOf(name)} was written and is no keystore`);
      return entry;
    },
    async list() {
      const files = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return [];
        throw new SprfError("KEYSTORE_INVALID", `cannot read ${directory}: ${error.message}`, { cause: error });
      });
      const names = files.filter((file) => file.endsWith(EXTENSION)).map((file) => file.slice(0, -EXTENSION.length));
      const found = await Promise.all(
        names
          .filter((name) => NAME.test(name))
          .sort()
          .map(entryOf),
      );
      return found.filter((entry) => entry !== undefined);
    },
  };
}
