import { SprfError, isSprfError } from "../../errors.ts";

const WEI_DIGITS = 18;

/** What the grid's contracts refused, in a user's words; anything else as it is. */
export function explainRefusal(error: unknown): unknown {
  if (!isSprfError(error, "CHAIN_REVERTED")) return error;
  const values = new Map(
    (Array.isArray(error.context["values"]) ? (error.context["values"] as string[]) : []).map((text) => {
      const at = text.indexOf(": ");
      return [text.slice(0, at), text.slice(at + 2)] as const;
    }),
  );
  const value = (name: string): string => values.get(name) ?? "?";
  switch (error.context["error"]) {
    case "GridContracts_BalanceTooLow":
      return new SprfError(
        "BALANCE_TOO_LOW",
        `the balance on the grid is ${etherText(value("actual"))} ether, and ${etherText(value("required"))} are needed`,
        { cause: error, context: { requiredWei: value("required"), actualWei: value("actual") } },
      );
    case "GridContracts_InGrace":
      return new SprfError(
        "BALANCE_TOO_LOW",
        `the balance was used up; a deposit of ${etherText(value("recoveryCost"))} ether brings everything back`,
        { cause: error, context: { requiredWei: value("recoveryCost") } },
      );
    case "GridRegistry_NotEnoughPublicIps":
      return new SprfError("NO_NODE", error.message.replace("GridRegistry_", ""), { cause: error });
    case "GridContracts_PriceNotFresh":
      return new SprfError("PRICE_STALE", "the grid's price feed gives no good answer now, so nothing new begins", {
        cause: error,
      });
    case "GridContracts_UnknownContract":
      return new SprfError("CONTRACT_UNKNOWN", `there is no contract ${value("contractId")}`, { cause: error });
    default:
      return error;
  }
}

/** Does something on the chain; what the contracts refuse is said in a user's words. */
export async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainRefusal(error);
  }
}

function etherText(wei: string): string {
  if (!/^\d+$/.test(wei)) return wei;
  const digits = wei.padStart(WEI_DIGITS + 1, "0");
  const fraction = digits.slice(-WEI_DIGITS).replace(/0+$/, "");
  return `${digits.slice(0, -WEI_DIGITS)}${fraction === "" ? "" : `.${fraction}`}`;
}
