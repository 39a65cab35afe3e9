import type { ProgramEvent } from "../client/channel/program-abi.ts";
import type { VerifiedChannel } from "../channel/verify.ts";
import type { ChannelStanding } from "../create-channels.ts";
import type { ChannelHead, ChannelUpdate } from "../ports/channel-service.ts";
import { toHex } from "../utils/bytes.ts";
import { etherOf, formatRows } from "./text-table.ts";

const SHOWN_DIGITS = 12;

export function printStanding({ info, members, head }: ChannelStanding): void {
  const state = info.isClosed ? "closed" : info.isClosing ? "closing" : "open";
  console.log(
    formatRows(
      [`channel ${info.channel}`, state],
      [
        ["app", info.app],
        ["program", info.program],
        ["store", info.store],
        ["leader", info.leader === undefined ? "nobody" : `${info.leader}, term ${info.term}`],
        ["final height", head.height.toString()],
        ["inbox", `${head.inboxCursor} of ${info.inboxLength} entries are final`],
      ],
    ),
  );
  if (members.length === 0) return;
  const rows = members.map(({ account, joinNumber, stakeWei, leftAt, isAbsent, weight, candidate }) => [
    joinNumber.toString(),
    account,
    etherOf(stakeWei),
    leftAt !== undefined ? "leaving" : isAbsent ? "absent" : "member",
    candidate === undefined || weight > 0 ? weight.toString() : `spoken for by ${candidate}`,
  ]);
  console.log(`\n${formatRows(["number", "account", "stake", "state", "weight"], rows)}`);
}

/** Where a node stands. */
export function printHeads({ height, committedHeight, finalHeight, term, leader }: ChannelHead): void {
  const heights = [
    ["played", height],
    ["committed", committedHeight],
    ["final", finalHeight],
  ].map(([name, value]) => [String(name), String(value)]);
  console.log(`\n${formatRows(["node", "height"], heights)}\nit follows ${leader} in term ${term}`);
}

export function printVerified(verified: VerifiedChannel): void {
  const { fromHeight, height, certifiedHeight, finalHeight, settledHeights } = verified;
  const from = fromHeight === 0 ? "the beginning" : `the final snapshot of height ${fromHeight}`;
  console.log(
    formatRows(
      ["verified", ""],
      [
        ["from", from],
        ["to height", height.toString()],
        ["records played again", verified.recordCount.toString()],
        ["leaders' signatures", verified.batchCount.toString()],
        ["certificates", `${verified.certificateCount}, the last of height ${certifiedHeight}`],
        ["settled heads compared", settledHeights.length === 0 ? "none" : settledHeights.join(", ")],
        ["record", toHex(verified.recordHash)],
        ["state root", toHex(verified.stateRoot)],
      ],
    ),
  );
  if (finalHeight > height) console.log(`the chain is ahead: final up to height ${finalHeight}`);
}

/** One update as a line. */
export function updateText(update: ChannelUpdate & { readonly events?: readonly ProgramEvent[] }): string {
  switch (update.type) {
    case "snapshot":
      return `height ${update.height}: ${update.slots.length} slots, root ${shortOf(update.stateRoot)}`;
    case "record": {
      const { height, kind, sender, status } = update.record;
      const who = sender === undefined ? "" : ` of ${sender}`;
      const how = status === "success" ? "" : `, ${status}`;
      return [`height ${height}: ${kind}${who}${how}`, ...(update.events ?? []).map(eventText)].join("\n  ");
    }
    case "rollback":
      return `rolled back to height ${update.toHeight}`;
    case "final":
      return `final up to height ${update.height}`;
  }
}

export function eventText({ name, args }: ProgramEvent): string {
  const values = Object.entries(args).map(([key, value]) => `${key} ${valueText(value)}`);
  return `${name}: ${values.join(", ")}`;
}

/** A value of a program as people read it. */
export function valueText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "bigint") return value.toString();
  return JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? each.toString() : each)) ?? "";
}

function shortOf(bytes: Uint8Array): string {
  return toHex(bytes).slice(0, SHOWN_DIGITS);
}
