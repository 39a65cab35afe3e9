import { committedRecords, settledRecords } from "./messages.ts";
import { createRecordTree } from "./records.ts";
import type { Bounds, Rules } from "./rules.ts";
import type { Step, Trace } from "./search.ts";
import type { Model, State } from "./state.ts";

const NAMES = ["A", "B", "C", "D"];

/**
 * A trace for people, a line a step. Members are letters and the liar is X; a record is named by the terms of its chain, so `1-2` is of
 * height 2 and of term 2, behind the record of term 1.
 */
export function printTrace(bounds: Bounds, rules: Rules, { initial, steps, states }: Trace): string[] {
  const model: Model = { bounds, rules, fsync: "a step", tree: createRecordTree(bounds) };
  const { tree } = model;
  const first = initial.members.findIndex(({ leads }) => leads !== 0);
  const lines = [`${first < 0 ? "X" : NAMES[first]} leads term 1`];
  for (const [index, step] of steps.entries()) {
    const [before, after] = [states[index], states[index + 1]];
    if (before === undefined || after === undefined) continue;
    lines.push(`${told(step, before)}${news(before, after)}`);
  }
  return lines;

  function told({ member, step, opens }: Step, before: State): string {
    const name = NAMES[member] ?? "?";
    const each = before.members[member];
    switch (step.kind) {
      case "change": {
        const leader = opens === undefined ? "" : `, which ${opens === "liar" ? "X" : NAMES[opens]} is to lead`;
        return `${name} signs a LeaderChange to term ${step.term}${leader}; it holds ${certificate(each?.certificate)}`;
      }
      case "play":
        return `${name} plays ${tree.name(step.record)}`;
      case "take":
        return `${name} gets ${certificate(step.certificate)}`;
      case "write":
        return `${name} writes that down`;
      case "crash":
        return `${name} crashes and forgets that`;
    }
  }

  function certificate(record = 0): string {
    return record === 0 ? "no certificate" : `a certificate of ${tree.name(record)}`;
  }

  function news(before: State, after: State): string {
    const isNew = (all: readonly number[], old: readonly number[]): string[] =>
      all.filter((record) => !old.includes(record)).map((record) => tree.name(record));
    const committed = isNew(committedRecords(model, after), committedRecords(model, before));
    const settled = isNew(settledRecords(model, after), settledRecords(model, before));
    return [
      ...committed.map((name) => `: ${name} IS COMMITTED`),
      ...settled.map((name) => `: ${name} CAN BE SETTLED`),
    ].join("");
  }
}
