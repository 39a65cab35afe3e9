import { utf8 } from "../../utils/bytes.ts";
import { keccak256 } from "../../utils/keccak.ts";

/** Types of all that is signed about channels, as EIP-712 writes them. Names, order and types are part of the protocol. */
export const CHANNEL_TYPES = {
  Call: "Call(uint256 channel,address sender,uint64 nonce,uint64 gasLimit,uint64 validUntilMs,bytes data)",
  SessionGrant: "SessionGrant(uint256 channel,address wallet,address key,bytes4[] functions,uint64 expiryMs)",
  SessionRevoke: "SessionRevoke(uint256 channel,address wallet,address key,uint64 nonce)",
  Batch: "Batch(uint256 channel,uint64 term,uint64 first,uint64 last,bytes32 recordsRoot)",
  Ack: "Ack(uint256 channel,uint64 term,uint64 height,bytes32 recordHash,uint64 certified)",
  Settlement:
    "Settlement(uint256 channel,uint64 fromHeight,uint64 toHeight,uint64 timeMs,bytes32 head,bytes32 recordsRoot,bytes32 stateRoot,bytes32 changesRoot,uint64 inboxCursor,uint8 mode)",
  Punishment: "Punishment(uint256 channel,uint64 term,address target,uint64 height,bytes32 recordHash,uint8 reason)",
  Vote: "Vote(uint256 channel,bytes32 proposalHash,uint8 option)",
  JoinConsent:
    "JoinConsent(uint256 channel,address app,address program,address member,address signer,address stakeSource,uint256 maxStake,uint64 deadline)",
  /** Shows a node whose client asks. */
  Login: "Login(uint256 channel,address wallet,bytes32 challenge)",
  /** Reserved for the change of a leader off the chain. */
  LeaderChange:
    "LeaderChange(uint256 channel,uint64 term,address newLeader,uint64 certifiedTerm,uint64 certifiedHeight,uint64 head)",
} as const;

/** The hash of a type's words. */
export function typeHashOf(name: keyof typeof CHANNEL_TYPES): Uint8Array {
  return keccak256(utf8(CHANNEL_TYPES[name]));
}
