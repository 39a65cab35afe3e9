import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import fc from "fast-check";

import { readFileRecordLog } from "../../src/adapters/record-log/read-file.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { fromLogEntry, toLogEntry, type Logged } from "../../src/channel/log-entries.ts";
import { verifyChannel, type ChannelHistory } from "../../src/channel/verify.ts";
import { createProgramCodec } from "../../src/client/channel/program-abi.ts";
import { chatProgramAbi, documentProgramAbi } from "../../src/client/channel/program-abis.ts";
import { channelLogDirectory } from "../../src/create-channel-node.ts";
import { DEVNET_MNEMONIC } from "../../src/devnet/accounts.ts";
import type { ChannelHub } from "../../src/ports/channel-hub.ts";
import type { ChannelUpdate } from "../../src/ports/channel-service.ts";
import { equalBytes } from "../../src/utils/bytes.ts";
import { createChannelTown, type ChannelPerson, type ChannelTown } from "../helpers/channel-daemons.ts";
import { codeOf } from "../helpers/code-of.ts";
import { until } from "../helpers/until.ts";

const ETHER = 10n ** 18n;
const PATIENT = { timeoutMs: 60_000 };
/** Decides what the editors write. */
const SEED = 20_261_128;
const WORDS = ["moss", "fern ", "ivy", " oak", "elm\n", "🌱"];

describe("create-channel-daemon", function () {
  this.timeout(240_000);
  let town: ChannelTown;
  let people: readonly [ChannelPerson, ChannelPerson, ChannelPerson];
  /** The chat's. */
  let channel: bigint;
  before(async () => {
    town = await createChannelTown();
    people = await Promise.all([town.person(2), town.person(3), town.person(4)]);
  });
  after(async () => await town?.close());

  /** A view of the program as the chain has it. */
  async function onChain(
    person: ChannelPerson,
    of: bigint,
    abi: typeof chatProgramAbi | typeof documentProgramAbi,
    name: string,
  ) {
    const codec = createProgramCodec(abi);
    const { info } = await person.channels.standing(of);
    return codec.decode(name, await person.channels.hub.readStore(info, codec.encode(name, [])));
  }

  it("should carry a chat from its first line to its end", async () => {
    const [alice, bob, carol] = people;
    channel = await alice.channels.apps.openChat({ group: 1n, title: "Gardeners" });
    await alice.channels.join(channel);
    await bob.channels.join(channel);
    const [one, two] = await Promise.all([alice.serve(channel), bob.serve(channel)]);
    const at = { channel, abi: chatProgramAbi };
    const ofAlice = await alice.channels.connect({ ...at, url: one.apiUrl });
    const ofBob = await bob.channels.connect({ ...at, url: two.apiUrl });
    const ended = new AbortController();
    const heard: ChannelUpdate[] = [];
    const lines: unknown[] = [];
    const listening = (async () => {
      for await (const update of ofBob.subscribe({ signal: ended.signal })) {
        heard.push(update);
        if (update.type === "record") lines.push(...(update.events ?? []).map(({ args }) => args["text"]));
      }
    })();
    listening.catch(() => undefined);
    await until(() => heard.length > 0, PATIENT);

    const said = ["hello", "good morning", "what grows?", "ivy"];
    for (const [index, text] of said.entries()) {
      const call = await (index % 2 === 0 ? ofAlice : ofBob).call("say", [text]);
      expect(call.value).to.equal(BigInt(index + 1));
      await call.committed();
    }
    await until(() => lines.length === said.length, PATIENT);
    expect(lines).to.deep.equal(said);
    const settledTo = await ofAlice.settle();
    await until(() => heard.some((update) => update.type === "final" && update.height === settledTo), PATIENT);
    expect(await onChain(carol, channel, chatProgramAbi, "lineCount")).to.equal(4n);
    expect(await codeOf(ofBob.call("say", [""]))).to.equal("CHANNEL_CALL_FAILED");
    expect(await codeOf(carol.serve(channel))).to.equal("CHANNEL_NOT_MEMBER");

    await bob.channels.leave(channel);
    await until(async () => (await alice.channels.standing(channel)).members.length === 1, PATIENT);
    await (await ofAlice.call("say", ["alone"])).committed();
    const before = (await ofAlice.read("chain", [])).value;
    expect(await codeOf(bob.channels.closeChannel(channel))).to.equal("CHAIN_REVERTED");
    await alice.channels.closeChannel(channel);
    await until(async () => (await alice.channels.standing(channel)).info.isClosed, PATIENT);
    expect(await onChain(carol, channel, chatProgramAbi, "chain")).to.equal(before);
    expect(await onChain(carol, channel, chatProgramAbi, "lineCount")).to.equal(5n);

    const verified = await alice.channels.verify(channel, alice.dataDirectory);
    const { head } = await alice.channels.standing(channel);
    expect(verified.fromHeight).to.equal(0);
    expect(verified.settledHeights).to.include(settledTo);
    expect([verified.settledHeights.at(-1), verified.finalHeight]).to.deep.equal([head.height, head.height]);
    expect(equalBytes(verified.stateRoot, head.stateRoot)).to.equal(true);
    ended.abort();
    await listening.catch(() => undefined);
    await Promise.all([ofAlice.disconnect(), ofBob.disconnect()]);
    await Promise.all([one.stop(), two.stop()]);
  });

  it("should give a channel's history away as a file, and take only a whole and true one", async () => {
    const [alice, , carol] = people;
    const file = join(alice.dataDirectory, "chat.channel");
    await alice.channels.exportTo(file, channel, alice.dataDirectory);
    const verified = await carol.channels.verifyFile(file);
    expect(verified.settledHeights.length).to.be.greaterThan(1);
    const copies = join(carol.dataDirectory, "imported");
    expect((await carol.channels.importFrom(file, copies)).height).to.equal(verified.height);
    expect((await carol.channels.verify(channel, copies)).height).to.equal(verified.height);
    expect(await codeOf(carol.channels.importFrom(file, copies))).to.equal("INVALID_INPUT");
    expect(await codeOf(alice.channels.exportTo(file, channel, alice.dataDirectory))).to.equal("INVALID_INPUT");

    const bytes = await readFile(file);
    const spoiled = join(alice.dataDirectory, "spoiled.channel");
    await writeFile(spoiled, bytes);
    await truncate(spoiled, bytes.length - 3);
    expect(await codeOf(carol.channels.verifyFile(spoiled))).to.equal("CHANNEL_UNVERIFIED");
    await writeFile(spoiled, bytes);
    await appendFile(spoiled, bytes);
    expect(await codeOf(carol.channels.verifyFile(spoiled))).to.equal("CHANNEL_UNVERIFIED");
    expect(await codeOf(carol.channels.verifyFile(join(alice.dataDirectory, "absent")))).to.equal("INVALID_INPUT");
  });

  it("should refuse a history that is not what the members signed and the chain settled", async () => {
    const [alice] = people;
    const history = readFileRecordLog(channelLogDirectory(alice.dataDirectory, channel));
    const logged: Logged[] = [];
    for await (const entry of history.entries()) logged.push(fromLogEntry(entry));
    const { hub } = alice.channels;
    const components = { hub, clock: systemClock, logger: createMemoryLogger() };
    const verify = async (changed: readonly Logged[]) => {
      const altered: ChannelHistory = {
        ...history,
        snapshots: async () => await Promise.resolve([]),
        async *entries() {
          yield* changed.map(toLogEntry);
        },
      };
      return await verifyChannel(components, { channel, history: altered });
    };
    const isBatch = (each: Logged): each is Logged & { kind: "batch" } => each.kind === "batch";
    const place = logged.findIndex((each, index) => index > 4 && isBatch(each));
    const batch = logged[place];
    if (batch === undefined || !isBatch(batch)) throw new Error("no batch to alter");
    const put = (instead: readonly Logged[]): Logged[] => logged.toSpliced(place, 1, ...instead);
    const [record] = batch.batch.records;
    const flipped = Uint8Array.from(record ?? []);
    // In its state root.
    flipped[130] = (flipped[130] ?? 0) ^ 1;
    const wrongRecord = { ...batch.batch, records: [flipped, ...batch.batch.records.slice(1)] };
    const wrongTerm = { ...batch.batch, term: 9 };
    const another = logged.find((each): each is Logged & { kind: "batch" } => isBatch(each) && each !== batch);
    const signature = another?.batch.signature ?? new Uint8Array(65);
    const certificate = logged.findLast((each) => each.kind === "certificate");
    if (certificate?.kind !== "certificate") throw new Error("no certificate");
    const without: Logged = { ...certificate, certificate: { ...certificate.certificate, acks: [] } };
    // A node that does not keep everything has a final snapshot, and what came after it.
    const [settled = 0] = await history.snapshots();
    const tail: ChannelHistory = {
      ...history,
      snapshots: async () => await Promise.resolve([settled]),
      entries: () => history.entries({ fromHeight: settled + 1 }),
    };
    const { fromHeight, height } = await verifyChannel(components, { channel, history: tail });
    expect([fromHeight, height]).to.deep.equal([settled, (await verify(logged)).height]);
    const anotherState: ChannelHistory = {
      ...tail,
      async *readSnapshot(of) {
        for await (const part of history.readSnapshot(of)) {
          yield part.map((byte, index) => (index === part.length - 1 ? byte ^ 1 : byte));
        }
      },
    };
    expect(await codeOf(verifyChannel(components, { channel, history: anotherState }))).to.equal(
      "CHANNEL_SNAPSHOT_INVALID",
    );
    const anotherHub: ChannelHub = {
      ...hub,
      events: async (...range) =>
        (await hub.events(...range)).map((event) =>
          event.kind === "settled" ? { ...event, stateRoot: new Uint8Array(32) } : event,
        ),
    };
    const onAnother = verifyChannel({ ...components, hub: anotherHub }, { channel, history });
    expect(await codeOf(onAnother), "another state settled").to.equal("CHANNEL_UNVERIFIED");
    const faults: Record<string, readonly Logged[]> = {
      "a missing batch": put([]),
      "an altered record": put([{ kind: "batch", batch: wrongRecord }]),
      "a term that nobody began": put([{ kind: "batch", batch: wrongTerm }]),
      "a signature of other records": put([{ kind: "batch", batch: { ...batch.batch, signature } }]),
      "a certificate without acks": [...logged, without],
      "what is certified taken back": [...logged, { kind: "cut", height: 1, from: certificate.certificate.height }],
    };
    expect((await verify(logged)).height).to.be.greaterThan(1);
    for (const [name, changed] of Object.entries(faults)) {
      expect(await codeOf(verify(changed)), name).to.equal("CHANNEL_UNVERIFIED");
    }
  });

  it("should bring editors who write at once to one text, and give each its stake back", async () => {
    const [alice, bob, carol] = people;
    const document = await alice.channels.apps.openDocument({ file: 1n, title: "Garden", text: "A plan: " });
    for (const person of people) await person.channels.join(document);
    const daemons = await Promise.all(people.map(async (person) => await person.serve(document)));
    const at = { channel: document, abi: documentProgramAbi };
    const clients = await Promise.all(
      people.map(async ({ channels }, index) => await channels.connect({ ...at, url: daemons[index]?.apiUrl ?? "" })),
    );
    const edit = fc.record({ place: fc.nat(), text: fc.constantFrom(...WORDS), removes: fc.nat({ max: 4 }) });
    const plans = fc.sample(fc.array(edit, { minLength: 6, maxLength: 6 }), { seed: SEED, numRuns: clients.length });
    const written: { readonly firstId: bigint; readonly text: string }[] = [];
    const removed = new Set<bigint>();
    await Promise.all(
      clients.map(async (client, index) => {
        for (const { place, text, removes } of plans[index] ?? []) {
          // What this editor sees may be old by the time that its call is played: ids mean the same all the same.
          const { value: seen } = await client.read("charactersFrom", [0n, 1_000n]);
          const { id } = seen[place % seen.length] ?? { id: 0n };
          const { value: firstId } = await client.call("insert", [id, text]);
          written.push({ firstId, text });
          if (removes !== 0 || id === 0n) continue;
          await client.call("remove", [[id]]);
          removed.add(id);
        }
      }),
    );
    const contents = async () =>
      await Promise.all(clients.map(async (client) => (await client.read("content", [])).value));
    const all = async (): Promise<boolean> => {
      const heads = daemons.map(({ node }) => [node.head.height, node.committedHeight]).flat();
      return await Promise.resolve(new Set(heads).size === 1);
    };
    await until(all, PATIENT);
    const [content, ...others] = await contents();
    expect(others).to.deep.equal([content, content]);
    // Every text stands there in its order, but for what somebody removed.
    const { value: characters } = await clients[0]!.read("charactersFrom", [0n, 1_000n]);
    const order = new Map(characters.map(({ id }, index) => [id, index]));
    for (const { firstId, text } of written) {
      const places = Array.from(text).map((_, index) => order.get(firstId + BigInt(index)) ?? -1);
      expect(places, text).to.deep.equal(places.toSorted((a, b) => a - b));
      expect(places[0]).to.be.greaterThan(-1);
    }
    const hidden = characters.filter(({ isRemoved }) => isRemoved).map(({ id }) => id);
    expect(new Set(hidden)).to.deep.equal(removed);

    await clients[0]!.settle();
    expect(await onChain(carol, document, documentProgramAbi, "content")).to.equal(content);
    await carol.channels.leave(document);
    await until(async () => (await alice.channels.standing(document)).members.length === 2, PATIENT);
    expect((await carol.channels.claim(document)).stakeWei).to.equal(ETHER);
    expect((await carol.channels.claim(document)).stakeWei).to.equal(0n);
    await (await clients[1]!.call("insert", [0n, "Done. "])).committed();
    await alice.channels.closeChannel(document);
    await until(async () => (await alice.channels.standing(document)).info.isClosed, PATIENT);
    expect(await onChain(carol, document, documentProgramAbi, "content")).to.equal(`Done. ${content}`);
    for (const person of [alice, bob]) expect((await person.channels.claim(document)).stakeWei).to.equal(ETHER);
    const verified = await bob.channels.verify(document, bob.dataDirectory);
    expect(verified.settledHeights.length).to.be.greaterThan(2);
    await Promise.all(clients.map(async (client) => await client.disconnect()));
  });

  it("should let people chat and write in their terminals", async () => {
    const [alice] = people;
    await mkdir(alice.dataDirectory, { recursive: true });
    const file = join(alice.dataDirectory, "devnet.json");
    await writeFile(file, JSON.stringify({ networks: town.devnet.networks, mnemonic: DEVNET_MNEMONIC }));
    const type = async (example: string, of: bigint, url: string, lines: readonly string[]): Promise<string> => {
      const words = [join("examples/channels", example), String(of), url, "--account", "2"];
      const child = spawn(process.execPath, words, { env: { ...process.env, SPRF_DEVNET_FILE: file } });
      let shown = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk: Buffer) => (shown += chunk.toString()));
      child.stdin.end(lines.map((line) => `${line}\n`).join(""));
      const [code] = (await once(child, "close")) as [number];
      expect(code, shown).to.equal(0);
      return shown;
    };
    const { apps } = alice.channels;
    const chat = await apps.openChat({ group: 2n, title: "Compost" });
    const document = await apps.openDocument({ file: 2n, title: "Beds", text: "peas" });
    for (const each of [chat, document]) await alice.channels.join(each);
    const [chatNode, editorNode] = [await alice.serve(chat), await alice.serve(document)];
    const said = await type("chat.ts", chat, chatNode.apiUrl, ["leaves", "", "x".repeat(513)]);
    expect(said).to.match(/^-- Compost; .*\n\S+ +you {2}leaves$/m);
    expect(said).to.match(/^not said: .*ChatProgram_BadLength\(512, 513\)$/m);
    const lines = [" and beans", "/at 4 , leek", "/cut 0 1", "/help", "/at 5 ok"];
    const wrote = await type("editor.ts", document, editorNode.apiUrl, lines);
    expect(wrote).to.match(/^\| peas$/m);
    expect(wrote.match(/\/at <place>/g)).to.have.length(2);
    expect(wrote.trimEnd().split("\n").at(-1)).to.equal("| eas, okleek and beans");
    await Promise.all([chatNode.stop(), editorNode.stop()]);
  });
});
