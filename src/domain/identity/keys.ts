import { Keypair } from "@stellar/stellar-sdk";
import { HDNodeWallet, Mnemonic } from "ethers";
import { HDKey } from "micro-key-producer/slip10.js";

import { SprfError } from "../../errors.ts";
import { fromHex } from "../../utils/bytes.ts";
import { publicKeyOf } from "../../utils/secp256k1.ts";

/** BIP-44 knows 2^31 hardened accounts. */
const MAX_ACCOUNT_INDEX = 2 ** 31 - 1;

/** All keys of one identity. */
export interface TwinKeys {
  /** Checksummed address of the account key. */
  readonly account: string;
  /** 32 bytes; holds stake and ether. */
  readonly accountPrivateKey: Uint8Array;
  /** 32 bytes; decrypts, is dialled, signs messages and answers. */
  readonly messagePrivateKey: Uint8Array;
  /** 64 bytes, secp256k1 without prefix. */
  readonly messageKey: Uint8Array;
  /** Stellar. */
  readonly ledgerKeypair: Keypair;
}

/**
 * The keys of one BIP-39 mnemonic: account m/44'/60'/n'/0/0, message key m/44'/60'/n'/0/1 and Stellar key m/44'/148'/n' (SEP-5,
 * which is SLIP-0010 for ed25519), n being `accountIndex`.
 *
 * @throws SprfError `INVALID_INPUT` when the words are no mnemonic; the words are never part of the message
 */
export function deriveTwinKeys(mnemonic: string, { accountIndex = 0 }: { accountIndex?: number } = {}): TwinKeys {
  if (!Number.isInteger(accountIndex) || accountIndex < 0 || accountIndex > MAX_ACCOUNT_INDEX) {
    throw new SprfError("INVALID_INPUT", `an account index is an integer from 0 to ${MAX_ACCOUNT_INDEX}`);
  }
  const seed = fromHex(parseMnemonic(mnemonic).computeSeed());
  const root = HDNodeWallet.fromSeed(seed);
  const external = root.derivePath(`m/44'/60'/${accountIndex}'/0`);
  const account = external.deriveChild(0);
  const messagePrivateKey = fromHex(external.deriveChild(1).privateKey);
  const ledgerSeed = HDKey.fromMasterSeed(seed).derive(`m/44'/148'/${accountIndex}'`).privateKey;
  return {
    account: account.address,
    accountPrivateKey: fromHex(account.privateKey),
    messagePrivateKey,
    messageKey: publicKeyOf(messagePrivateKey),
    ledgerKeypair: Keypair.fromRawEd25519Seed(Buffer.from(ledgerSeed)),
  };
}

/** A fresh mnemonic of 12 words from 16 bytes of `entropy`. */
export function mnemonicOf(entropy: Uint8Array): string {
  return Mnemonic.fromEntropy(entropy).phrase;
}

/** @throws SprfError `INVALID_INPUT` */
export function parseMnemonic(words: string): Mnemonic {
  try {
    return Mnemonic.fromPhrase(words.trim().replaceAll(/\s+/g, " "));
  } catch {
    // The library's message quotes the words, so it is dropped.
    throw new SprfError("INVALID_INPUT", "the mnemonic is not a BIP-39 phrase of English words with a valid checksum");
  }
}
