import { TypedDataEncoder, hexlify, recoverAddress } from "ethers";

/** EIP-712, as contracts/types/MarketTypes.sol states it for `SignedCommit`. */
const COMMIT_DOMAIN = { name: "SPRF WorkAgreement", version: "1" };
const COMMIT_TYPES = {
  Commit: [
    { name: "epoch", type: "uint256" },
    { name: "commitment", type: "bytes32" },
  ],
};

/** The account that signed a commitment for an epoch of an agreement; undefined for what is no signature. */
export function signerOfCommit(
  signed: { readonly commitment: Uint8Array; readonly signature: Uint8Array },
  { chainId, agreement, epoch }: { readonly chainId: bigint; readonly agreement: string; readonly epoch: number },
): string | undefined {
  const domain = { ...COMMIT_DOMAIN, chainId, verifyingContract: agreement };
  const message = { epoch, commitment: hexlify(signed.commitment) };
  try {
    return recoverAddress(TypedDataEncoder.hash(domain, COMMIT_TYPES, message), hexlify(signed.signature));
  } catch {
    return undefined;
  }
}
