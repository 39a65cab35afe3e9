import type { DeploymentQuote } from "../client/grid/quote.ts";
import type { DeployStep } from "../client/grid/bring.ts";
import type { Bill } from "../domain/grid/bill.ts";
import type { NodeOffer } from "../domain/grid/choose-node.ts";
import { toHex } from "../utils/bytes.ts";
import type { GridContract } from "../ports/grid-contracts.ts";
import { etherOf, formatRows } from "./text-table.ts";

const GIB = 2n ** 30n;
/** 1e-7 USD. */
const USD_DIGITS = 7;

/** One JSON object a line: large integers in decimal, bytes in hex. */
export function printJson(value: unknown): void {
  console.log(
    JSON.stringify(value, (_, each: unknown) => {
      if (typeof each === "bigint") return each.toString();
      return each instanceof Uint8Array ? toHex(each) : each;
    }),
  );
}

/** A number of 1e-7 USD in dollars, exactly. */
export function usdOf(cost: bigint): string {
  const digits = cost.toString().padStart(USD_DIGITS + 1, "0");
  return `${digits.slice(0, -USD_DIGITS)}.${digits.slice(-USD_DIGITS)}`;
}

export function gibOf(bytes: bigint): string {
  const tenths = (bytes * 10n) / GIB;
  return `${tenths / 10n}.${tenths % 10n}`;
}

export function timeText(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace(".000Z", "Z");
}

export function printNodes(offers: readonly NodeOffer[]): void {
  const rows = offers.map(({ node, free, ...offer }) => [
    String(node.nodeId),
    offer.farmName,
    offer.rentContractId === undefined ? node.status : offer.isRentedByUs ? "rented by you" : "rented",
    `${free.cruCores}/${node.resources.cruCores}`,
    `${gibOf(free.mruBytes)}/${gibOf(node.resources.mruBytes)}`,
    `${gibOf(free.sruBytes)}/${gibOf(node.resources.sruBytes)}`,
    `${gibOf(free.hruBytes)}/${gibOf(node.resources.hruBytes)}`,
    String(offer.freePublicIps),
    node.location.country,
  ]);
  const header = ["node", "farm", "status", "cores", "memory GiB", "ssd GiB", "hdd GiB", "free IPs", "country"];
  console.log(formatRows(header, rows));
}

export function printQuote(quote: DeploymentQuote): void {
  console.log(
    formatRows(
      [`on node ${quote.nodeId}`, "USD an hour", "ether an hour"],
      [
        ["at most, when it uses all that it may", usdOf(quote.costPerHour), etherOf(quote.weiPerHour)],
        ["of it, for public IPs in any case", usdOf(quote.publicIpsPerHour), ""],
        ["on top, for all traffic that it may have", usdOf(quote.trafficPerHour), etherOf(quote.trafficWeiPerHour)],
      ],
    ),
  );
}

export function printBill({ account, contracts, costWei, weiPerHour }: Bill): void {
  const rows = contracts.map(({ contract, costWei: cost, weiPerHour: hourly, weiPerMonth }) => [
    String(contract.contractId),
    contract.kind,
    stateText(contract),
    etherOf(cost),
    etherOf(hourly),
    etherOf(weiPerMonth),
  ]);
  console.log(formatRows(["contract", "kind", "state", "ether so far", "ether an hour", "ether in 30 days"], rows));
  for (const { contract, clippedReports } of contracts) {
    if (clippedReports === 0) continue;
    const times = clippedReports === 1 ? "once" : `${clippedReports} times`;
    console.log(
      `contract ${contract.contractId}: node ${contract.nodeId ?? ""} reported more than it may bill ${times}; the limits were billed`,
    );
  }
  const { fundedUntil, grace } = account;
  console.log(
    `\n${formatRows(
      ["money", ""],
      [
        ["all contracts so far", `${etherOf(costWei)} ether`],
        ["now", `${etherOf(weiPerHour)} ether an hour`],
        ["discount", `${account.discountPercent} %`],
        ["balance", `${etherOf(account.balanceWei)} ether`],
        [
          grace === undefined ? "it lasts until" : "it was used up at",
          fundedUntil === undefined ? "nothing uses it up" : timeText(fundedUntil),
        ],
        ...(grace === undefined
          ? []
          : [
              ["data is kept until", timeText(grace.untilSeconds)],
              ["a deposit that brings all back", `${etherOf(grace.recoveryCostWei)} ether`],
            ]),
      ],
    )}`,
  );
}

export function stateText({ state, cause }: GridContract): string {
  return cause === undefined ? state : `${state} (${cause})`;
}

/** What a step of a deployment is in words. */
export function stepText(step: DeployStep): string {
  switch (step.step) {
    case "buying":
      return `buying a contract for node ${step.nodeId}`;
    case "bought":
      return `contract ${step.contractId}: sent to node ${step.nodeId}`;
    case "cancelled":
      return `contract ${step.contractId} cancelled`;
    case "node": {
      const { step: what, container, percent } = step.progress;
      return ["node:", what, container, percent === undefined ? undefined : `${percent} %`].filter(Boolean).join(" ");
    }
  }
}
