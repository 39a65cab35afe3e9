import { xdr } from "@stellar/stellar-sdk";

/**
 * A transaction's result as the ledger's people write it: `tx_bad_seq`, or for a failed operation
 * `tx_failed (op 1: manage_data_name_not_found)`; the inner result of a fee bump counts.
 */
export function resultCodeOf(resultXdr: string): string {
  try {
    const { result } = xdr.TransactionResult.fromXdr(resultXdr, "base64");
    if (result.type === "txFeeBumpInnerFailed" || result.type === "txFeeBumpInnerSuccess") {
      return describe(result.innerResultPair.result.result);
    }
    return describe(result);
  } catch {
    return "unknown";
  }
}

function describe(result: { readonly type: string; readonly results?: readonly xdr.OperationResult[] }): string {
  const code = snakeCase(result.type);
  if (result.type !== "txFailed" || result.results === undefined) return code;
  for (const [index, operation] of result.results.entries()) {
    const inner = operation.type === "opInner" ? innerCodeOf(operation.tr.value) : snakeCase(operation.type);
    if (inner !== undefined) return `${code} (op ${index}: ${inner})`;
  }
  return code;
}

function innerCodeOf(result: unknown): string | undefined {
  const type = typeof result === "object" && result !== null && "type" in result ? String(result.type) : "";
  return type.endsWith("Success") ? undefined : snakeCase(type);
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
