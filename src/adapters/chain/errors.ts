import { Interface, isError, isHexString, type ErrorDescription } from "ethers";

import { SprfError, isSprfError, messageOf } from "../../errors.ts";
import { abortError } from "../../utils/abort.ts";
import { AGREEMENT_INTERFACE } from "./agreement-contract.ts";
import {
  Chat__factory,
  DocumentEditor__factory,
  IChannelAbsence__factory,
  IChannelHub__factory,
  IChannelVault__factory,
  IDisputes__factory,
  IGridContracts__factory,
  IGridRegistry__factory,
  IStakingPool__factory,
  ITesterRegistry__factory,
  ITwins__factory,
  IWorkerDispatcher__factory,
  IWorkerRecords__factory,
  LandCraft__factory,
  World__factory,
} from "./factories.ts";

/** Errors of libraries, SPRF's own and OpenZeppelin's, that SPRF's contracts pass on. */
const LIBRARY_ERRORS = new Interface([
  "error Ether_TransferFailed(address account, uint256 amount)",
  "error ECDSAInvalidSignature()",
  "error ECDSAInvalidSignatureLength(uint256 length)",
  "error ECDSAInvalidSignatureS(bytes32 s)",
  "error ReentrancyGuardReentrantCall()",
  "error SafeCastOverflowedUintDowncast(uint8 bits, uint256 value)",
  "error FailedDeployment()",
  "error InsufficientBalance(uint256 balance, uint256 needed)",
  "error CheckpointUnorderedInsertion()",
  "error ChangeSets_Unsorted(bytes32 slot)",
  "error OpcodeScan_NoCode(address program)",
  "error OpcodeScan_Designator(address program)",
  "error OpcodeScan_Forbidden(address program, uint256 offset, uint8 opcode)",
  "error StateTree_WrongPath(bytes32 slot)",
  "error StateTree_WrongRoot(bytes32 expected, bytes32 actual)",
]);

const INTERFACES: readonly Interface[] = [
  AGREEMENT_INTERFACE,
  IWorkerDispatcher__factory.createInterface(),
  ITesterRegistry__factory.createInterface(),
  ITwins__factory.createInterface(),
  IDisputes__factory.createInterface(),
  IWorkerRecords__factory.createInterface(),
  IGridRegistry__factory.createInterface(),
  IGridContracts__factory.createInterface(),
  Chat__factory.createInterface(),
  DocumentEditor__factory.createInterface(),
  LandCraft__factory.createInterface(),
  World__factory.createInterface(),
  IChannelHub__factory.createInterface(),
  IChannelAbsence__factory.createInterface(),
  IChannelVault__factory.createInterface(),
  IStakingPool__factory.createInterface(),
  LIBRARY_ERRORS,
];

const MAX_DEPTH = 8;
const NONCE_WORDS = /nonce (is )?too (low|high)|nonce has already been used|replacement (transaction|fee)|underpriced/i;
const FUNDS_WORDS = /insufficient funds|doesn't have enough funds/i;
const SEEN_WORDS = /already known|already imported|known transaction/i;

/** What ethers or the node threw, as the error that the port promises. */
export function chainError(error: unknown, signal?: AbortSignal): SprfError {
  if (error instanceof SprfError) return error;
  if (signal?.aborted) return abortError(signal);
  const data = revertDataOf(error);
  if (data !== undefined) return revertError(data, error);
  if (isError(error, "CALL_EXCEPTION")) {
    return new SprfError("CHAIN_REVERTED", error.reason ?? "the contract refused without a reason", { cause: error });
  }
  if (isError(error, "BAD_DATA") && error.value === "0x") {
    return new SprfError("CHAIN_REVERTED", "there is no such contract at this address on this chain", { cause: error });
  }
  if (isError(error, "INSUFFICIENT_FUNDS") || FUNDS_WORDS.test(wordsOf(error))) {
    return new SprfError("CHAIN_FUNDS_TOO_LOW", "the account cannot pay the value and gas of the transaction", {
      cause: error,
    });
  }
  return new SprfError("CHAIN_UNREACHABLE", `the Ethereum node failed: ${wordsOf(error)}`, { cause: error });
}

/** True when the transaction was refused for its nonce alone, so that a newer nonce may work. */
export function isNonceError(error: unknown): boolean {
  if (isError(error, "NONCE_EXPIRED") || isError(error, "REPLACEMENT_UNDERPRICED")) return true;
  return NONCE_WORDS.test(wordsOf(error));
}

/** True when the node has the very transaction already. */
export function isAlreadyKnown(error: unknown): boolean {
  return SEEN_WORDS.test(wordsOf(error));
}

/** True for a refusal by this error of a contract, such as `Twins_NotRegistered`. */
export function isRevert(error: unknown, name: string): boolean {
  return isSprfError(error, "CHAIN_REVERTED") && error.context["error"] === name;
}

/** The refusal that revert data stands for. */
export function revertError(data: string, cause?: unknown): SprfError {
  const description = describe(data);
  if (description === undefined) {
    const what = data === "0x" ? "without a reason" : `with unknown data ${data.slice(0, 74)}`;
    return new SprfError("CHAIN_REVERTED", `the contract refused ${what}`, { cause });
  }
  const values = description.fragment.inputs.map(({ name }, i) => `${name}: ${String(description.args[i])}`);
  return new SprfError("CHAIN_REVERTED", `${description.name}(${values.join(", ")})`, {
    cause,
    context: { error: description.name, values },
  });
}

function describe(data: string): ErrorDescription | undefined {
  for (const candidate of INTERFACES) {
    try {
      // Error(string) and Panic(uint256) are known to every interface.
      const description = candidate.parseError(data);
      if (description !== null) return description;
    } catch {
      // A selector that matches with values that do not: another interface may know it.
    }
  }
  return undefined;
}

/** Nodes nest revert data differently, so it is looked for wherever a `data` field holds hex. */
function revertDataOf(error: unknown, depth = 0): string | undefined {
  if (error === null || typeof error !== "object" || depth > MAX_DEPTH) return undefined;
  const record = error as Record<string, unknown>;
  const { data } = record;
  if (typeof data === "string" && isHexString(data) && data.length >= 10 && describe(data) !== undefined) return data;
  for (const field of ["info", "error", "data", "cause"]) {
    const found = revertDataOf(record[field], depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The innermost message: ethers wraps what the node said into long texts. */
function wordsOf(error: unknown, depth = 0): string {
  if (error === null || typeof error !== "object" || depth > MAX_DEPTH) return messageOf(error);
  const record = error as Record<string, unknown>;
  const inner = record["info"] ?? record["error"];
  if (inner !== null && typeof inner === "object") {
    const words = wordsOf(inner, depth + 1);
    if (words !== "[object Object]") return words;
  }
  const short = record["shortMessage"] ?? record["message"];
  if (typeof short === "string" && short !== "") return short;
  // Sockets that were refused on several addresses fail with an empty message and a code.
  return typeof record["code"] === "string" ? record["code"] : messageOf(error);
}

const CLOSED_CODES: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE"]);

/** The connection was closed before an answer came. */
export function isClosedConnection(error: unknown): boolean {
  return error instanceof Error && "code" in error && CLOSED_CODES.has(String(error.code));
}

/** No answer came, so that nobody knows whether the node took what was sent. */
export function isUnanswered(error: unknown): boolean {
  return isClosedConnection(error) || (error instanceof Error && "code" in error && error.code === "TIMEOUT");
}
