import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

import { Mnemonic, decryptKeystoreJson, encryptKeystoreJson, isError, isKeystoreJson } from "ethers";

import { deriveTwinKeys, parseMnemonic } from "../../domain/identity/keys.ts";
import { SprfError, messageOf } from "../../errors.ts";
import { toHex } from "../../utils/bytes.ts";

const ACCOUNT_PATH = "m/44'/60'/0'/0/0";
const OWNER_ONLY = 0o600;
/** The JSON of one wallet has about a thousand bytes. */
const MAX_KEYSTORE_BYTES = 16 * 1024;

/** Cost of scrypt; the defaults are those of ethers and geth. */
export interface KeystoreCost {
  readonly scryptN?: number;
}

/**
 * Writes a mnemonic to a new file, encrypted with scrypt in the JSON form (version 3 with ethers' mnemonic extension) that
 * other wallets open too. An existing file is never overwritten.
 *
 * @throws SprfError `KEYSTORE_EXISTS`, `INVALID_INPUT`, `KEYSTORE_INVALID` when the file cannot be written
 */
export async function createKeystore(
  path: string,
  mnemonic: string,
  password: string,
  { scryptN }: KeystoreCost = {},
): Promise<void> {
  if (password === "") throw new SprfError("INVALID_INPUT", "the keystore's password is empty");
  const { entropy } = parseMnemonic(mnemonic);
  const keys = deriveTwinKeys(mnemonic);
  const json = await encryptKeystoreJson(
    {
      address: keys.account,
      privateKey: `0x${toHex(keys.accountPrivateKey)}`,
      mnemonic: { path: ACCOUNT_PATH, locale: "en", entropy },
    },
    password,
    scryptN === undefined ? {} : { scrypt: { N: scryptN } },
  );
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, json, { flag: "wx", mode: OWNER_ONLY });
  } catch (error) {
    if (hasCode(error, "EEXIST")) throw new SprfError("KEYSTORE_EXISTS", `${path} exists already`);
    throw new SprfError("KEYSTORE_INVALID", `cannot write ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * The mnemonic in a keystore file.
 *
 * @throws SprfError `KEYSTORE_INVALID` when there is no such file or it is no keystore with a mnemonic,
 * `KEYSTORE_WRONG_PASSWORD`
 */
export async function openKeystore(path: string, password: string): Promise<string> {
  const json = await readText(path);
  if (!isKeystoreJson(json)) throw new SprfError("KEYSTORE_INVALID", `${path} is no keystore file`);
  const account = await decrypt(path, json, password);
  if (account.mnemonic === undefined) throw new SprfError("KEYSTORE_INVALID", `${path} holds a key, not a mnemonic`);
  return Mnemonic.fromEntropy(account.mnemonic.entropy).phrase;
}

async function decrypt(
  path: string,
  json: string,
  password: string,
): Promise<Awaited<ReturnType<typeof decryptKeystoreJson>>> {
  try {
    return await decryptKeystoreJson(json, password);
  } catch (error) {
    // The MAC is what tells a wrong password from a right one.
    if (isError(error, "INVALID_ARGUMENT") && error.argument === "password") {
      throw new SprfError("KEYSTORE_WRONG_PASSWORD", `the password does not open ${path}`);
    }
    throw new SprfError("KEYSTORE_INVALID", `${path} is damaged: ${messageOf(error)}`);
  }
}

async function readText(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new SprfError("KEYSTORE_INVALID", `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
  if (bytes.length > MAX_KEYSTORE_BYTES) {
    throw new SprfError("KEYSTORE_INVALID", `${path} has more than ${MAX_KEYSTORE_BYTES} bytes`);
  }
  return bytes.toString("utf8");
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
