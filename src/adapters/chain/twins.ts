import { Wallet, dataSlice, getAddress, hexlify, keccak256 } from "ethers";

import { SprfError } from "../../errors.ts";
import type { Chain, ChainOptions, Twin } from "../../ports/chain.ts";
import { equalBytes, fromHex } from "../../utils/bytes.ts";
import { publicKeyOf } from "../../utils/secp256k1.ts";
import type { Connection } from "./connection.ts";
import { ITwins__factory } from "./factories.ts";
import { nonceOf } from "./nonces.ts";

const PROOF_TYPES = {
  TwinProof: [
    { name: "account", type: "address" },
    { name: "ledgerKey", type: "bytes32" },
    { name: "nonce", type: "uint256" },
  ],
};

type TwinMethods = Pick<Chain, "ensureTwin" | "twin" | "twinOf" | "twinOfKey">;

/** Identities (contracts/interfaces/ITwins.sol). */
export function createTwins(connection: Connection, address: string): TwinMethods {
  const twins = ITwins__factory.connect(address, connection.provider);
  const account = connection.wallet.address;

  async function read(twinId: bigint, options?: ChainOptions): Promise<Twin> {
    const twin = await connection.read(() => twins.twin(twinId), options);
    return {
      id: Number(twin.twinId),
      account: twin.account,
      messageKey: fromHex(twin.messageKey),
      ledgerKey: fromHex(twin.ledgerKey),
    };
  }

  async function twinOf(owner: string, options?: ChainOptions): Promise<Twin | undefined> {
    const twinId = await connection.read(() => twins.twinOf(owner), options);
    return twinId === 0n ? undefined : await read(twinId, options);
  }

  async function twinOfKey(messageKey: Uint8Array, options?: ChainOptions): Promise<Twin | undefined> {
    // Not computeAddress: it throws for bytes that are no key, and nobody's key is an answer too.
    const keyAddress = getAddress(dataSlice(keccak256(messageKey), 12));
    const twinId = await connection.read(() => twins.twinOfKey(keyAddress), options);
    return twinId === 0n ? undefined : await read(twinId, options);
  }

  /** EIP-712, as ITwins states it. */
  async function prove(messagePrivateKey: Uint8Array, ledgerKey: string, options?: ChainOptions): Promise<string> {
    const nonce = await nonceOf(connection, address, account, options);
    const domain = { name: "SPRF Twins", version: "1", chainId: connection.chainId, verifyingContract: address };
    return await new Wallet(hexlify(messagePrivateKey)).signTypedData(domain, PROOF_TYPES, {
      account,
      ledgerKey,
      nonce,
    });
  }

  return {
    async ensureTwin({ messagePrivateKey, ledgerKey }, options) {
      const messageKey = publicKeyOf(messagePrivateKey);
      const existing = await twinOf(account, options);
      if (existing !== undefined) {
        if (equalBytes(existing.messageKey, messageKey) && equalBytes(existing.ledgerKey, ledgerKey)) return existing;
      }
      const holder = existing === undefined ? undefined : await twinOfKey(messageKey, options);
      if (existing !== undefined && holder?.id === existing.id && !equalBytes(existing.messageKey, messageKey)) {
        throw new SprfError(
          "CONFIG_INVALID",
          `twin ${existing.id} of ${account} has a newer message key, and one that was replaced does not come back: use the keys that the twin names`,
        );
      }
      const method = existing === undefined ? twins.register : twins.update;
      const ledger = hexlify(ledgerKey);
      const proof = await prove(messagePrivateKey, ledger, options);
      await connection.send(() => method.populateTransaction(hexlify(messageKey), ledger, proof), options);
      return await read(await connection.read(() => twins.twinOf(account), options), options);
    },
    twin: (twinId, options) => read(BigInt(twinId), options),
    twinOf,
    twinOfKey,
  };
}
