import { getBytes, toBeHex, zeroPadValue, type Log, type Result } from "ethers";

import { SprfError, isSprfError } from "../../../errors.ts";
import type { ChannelHub, FollowOptions, HubEvent, HubNews, HubOptions } from "../../../ports/channel-hub.ts";
import { fromHex } from "../../../utils/bytes.ts";
import { followBlocks } from "../blocks.ts";
import type { Connection } from "../connection.ts";
import type { IChannelHub } from "../contract-types.ts";
import { IChannelAbsence__factory } from "../factories.ts";
import { createEventRange, readPage, type EventRange } from "../event-range.ts";
import { changesIn, dataKindOf, postedIn, recordsIn } from "./challenge-values.ts";
import { proposalTypeOf, settlementIn } from "./values.ts";

const MS = 1_000;

type IChannelAbsenceInterface = ReturnType<typeof IChannelAbsence__factory.createInterface>;
type EventMethods = Pick<ChannelHub, "initialState" | "events" | "follow">;

/** What an event's values mean; events that are not here tell a node nothing. */
const EVENTS: Readonly<Record<string, (values: Result) => HubEvent>> = {
  InboxAdded: (values) => ({
    kind: "inbox",
    entry: {
      index: Number(values["index"]),
      kind: Number(values["kind"]),
      account: addressIn(values, "account"),
      timeMs: Number(values["timeMs"]),
      data: bytesIn(values, "data"),
    },
  }),
  TermStarted: (values) => ({ kind: "term", term: Number(values["term"]), leader: addressIn(values, "leader") }),
  KeptAlive: (values) => ({
    kind: "alive",
    member: addressIn(values, "member"),
    delaysMs: new Map(
      [...(values["delays"] as Iterable<Result>)].map((delay) => [addressIn(delay, "peer"), Number(delay["delayMs"])]),
    ),
  }),
  ProposalCreated: (values) => ({
    kind: "proposed",
    proposal: values["proposal"] as bigint,
    type: proposalTypeOf(values["proposalType"] as bigint),
    proposer: addressIn(values, "proposer"),
    proposalHash: bytesIn(values, "proposalHash"),
    ...(proposalTypeOf(values["proposalType"] as bigint) === "settlement" && {
      settlement: settlementIn(bytesIn(values, "data")),
    }),
  }),
  Voted: (values) => ({
    kind: "voted",
    proposal: values["proposal"] as bigint,
    member: addressIn(values, "member"),
    option: Number(values["option"]),
  }),
  ProposalPassed: (values) => ({
    kind: "passed",
    proposal: values["proposal"] as bigint,
    finalAtSeconds: Number(values["finalAt"]),
  }),
  Settled: (values) => ({
    kind: "settled",
    proposal: values["proposal"] as bigint,
    height: Number(values["height"]),
    head: bytesIn(values, "head"),
    stateRoot: bytesIn(values, "stateRoot"),
    inboxCursor: Number(values["inboxCursor"]),
  }),
  MemberLeft: (values) => ({ kind: "left", member: addressIn(values, "member") }),
  MemberBanned: (values) => ({
    kind: "banned",
    member: addressIn(values, "member"),
    bannedUntilMs: Number(values["bannedUntilMs"]),
    fineWei: values["fineWei"] as bigint,
  }),
  ChannelClosed: () => ({ kind: "closed" }),
  SettlementVoided: (values) => ({ kind: "voided", proposal: values["proposal"] as bigint }),
  DataDemanded: (values) => ({
    kind: "demanded",
    proposal: values["proposal"] as bigint,
    member: addressIn(values, "member"),
    range: {
      kind: dataKindOf(values["kind"] as bigint),
      first: Number(values["first"]),
      last: Number(values["last"]),
    },
    deadlineSeconds: Number(values["deadline"]),
  }),
  DataAnswered: (values) => ({
    kind: "answered",
    proposal: values["proposal"] as bigint,
    member: addressIn(values, "member"),
    next: Number(values["next"]),
  }),
  RecordsShown: (values) => ({
    kind: "records-shown",
    proposal: values["proposal"] as bigint,
    records: recordsIn(values),
  }),
  ChangesShown: (values) => ({
    kind: "changes-shown",
    proposal: values["proposal"] as bigint,
    shown: changesIn(values),
  }),
  ChannelFrozen: (values) => ({
    kind: "frozen",
    entryIndex: Number(values["entryIndex"]),
    endsAtSeconds: Number(values["endsAt"]),
  }),
  SettlementBrought: (values) => ({
    kind: "brought",
    proposal: values["proposal"] as bigint,
    term: Number(values["term"]),
    height: Number(values["height"]),
    endsAtSeconds: Number(values["endsAt"]),
  }),
};

/** What happens to accusations; how they stand is asked for. */
const ABSENCE_EVENTS = ["Accused", "LeaderShown", "Answered", "RecordsDemanded", "RecordsPosted", "Resolved"] as const;

/** What only the hub's events say. */
export function createHubEvents(connection: Connection, hub: IChannelHub, address: string): EventMethods {
  const { provider, read, clock, pollingIntervalMs } = connection;
  const topicOf = (name: string): string => hub.interface.getEvent(name as "Settled").topicHash;
  const absence = IChannelAbsence__factory.createInterface();
  const absenceTopics = ABSENCE_EVENTS.map((name) => absence.getEvent(name).topicHash);
  const topics = [...Object.keys(EVENTS).map(topicOf), ...absenceTopics];
  let addresses: readonly string[] | undefined;

  /** The hub's, and that of the contract of absences, which it names. */
  async function sources(options: HubOptions): Promise<readonly string[]> {
    addresses ??= [address, (await read(() => hub.absence(), options)).toLowerCase()];
    return addresses;
  }

  async function pageOf(
    channel: bigint,
    range: EventRange,
    from: number,
    to: number,
    { signal }: HubOptions,
  ): Promise<Omit<HubNews, "timeMs">> {
    const page = await readPage(range, { from, to, signal }, async (last) => {
      const filter = {
        address: [...(await sources({ signal }))],
        fromBlock: from,
        toBlock: last,
        topics: [topics, word(channel)],
      };
      return await read(() => provider.getLogs(filter), { signal });
    });
    const events = page.found.flatMap((log) =>
      log.address.toLowerCase() === address.toLowerCase() ? eventsIn(hub, log) : accusationIn(absence, log),
    );
    return { toBlock: page.to, events };
  }

  async function timeOf(block: number, { signal }: HubOptions): Promise<number> {
    const found = await read(() => provider.getBlock(block), { signal });
    if (found === null) throw new SprfError("CHAIN_UNREACHABLE", `the node has no block ${block} any more`);
    return found.timestamp * MS;
  }

  /** A page, asked for until the node gives it. */
  async function patientPage(
    channel: bigint,
    range: EventRange,
    from: number,
    to: number,
    options: HubOptions,
  ): Promise<HubNews> {
    for (;;) {
      try {
        const page = await pageOf(channel, range, from, to, options);
        return { ...page, timeMs: await timeOf(page.toBlock, options) };
      } catch (error) {
        if (options.signal?.aborted || !isSprfError(error, "CHAIN_UNREACHABLE")) throw error;
        await clock.sleep(pollingIntervalMs, options);
      }
    }
  }

  async function* follow(
    channel: bigint,
    { fromBlock, confirmations = 0, signal }: FollowOptions = {},
  ): AsyncGenerator<HubNews, void, undefined> {
    const range = createEventRange();
    let next = fromBlock ?? Number((await read(() => hub.channelOf(channel), { signal })).createdInBlock);
    for await (const latest of followBlocks(connection, { signal })) {
      const to = latest - confirmations;
      while (next <= to) {
        const news = await patientPage(channel, range, next, to, { signal });
        next = news.toBlock + 1;
        yield news;
      }
    }
  }

  return {
    async initialState({ channel, createdInBlock: block }, options) {
      const filter = { address, fromBlock: block, toBlock: block, topics: [topicOf("ChannelCreated"), word(channel)] };
      const [created] = await read(() => provider.getLogs(filter), options);
      if (created === undefined) {
        throw new SprfError("CHAIN_UNREACHABLE", `the node has no event of block ${block} any more`);
      }
      return getBytes(hub.interface.parseLog(created)?.args["initialState"] as string);
    },
    async events(channel, fromBlock, toBlock, options = {}) {
      const range = createEventRange();
      const events: HubEvent[] = [];
      for (let from = fromBlock; from <= toBlock;) {
        const page = await pageOf(channel, range, from, toBlock, options);
        events.push(...page.events);
        from = page.toBlock + 1;
      }
      return events;
    },
    async *follow(channel, options) {
      try {
        yield* follow(channel, options);
      } catch (error) {
        // Aborting is how following ends.
        if (options?.signal?.aborted !== true) throw error;
      }
    },
  };
}

function eventsIn(hub: IChannelHub, log: Log): readonly HubEvent[] {
  const parsed = hub.interface.parseLog(log);
  const decode = parsed === null ? undefined : EVENTS[parsed.name];
  return parsed === null || decode === undefined ? [] : [decode(parsed.args)];
}

function accusationIn(absence: IChannelAbsenceInterface, log: Log): readonly HubEvent[] {
  const parsed = absence.parseLog(log);
  if (parsed === null) return [];
  const member = addressIn(parsed.args, "member");
  const accusation: HubEvent = { kind: "accusation", member };
  if (parsed.name !== "RecordsPosted") return [accusation];
  return [{ kind: "records-posted", member, ...postedIn(parsed.args) }, accusation];
}

function addressIn(values: Result, name: string): string {
  return (values[name] as string).toLowerCase();
}

function bytesIn(values: Result, name: string): Uint8Array {
  return fromHex(values[name] as string);
}

function word(channel: bigint): string {
  return zeroPadValue(toBeHex(channel), 32);
}
