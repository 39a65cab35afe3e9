import { once } from "node:events";

import { expect } from "chai";
import { Interface, Wallet, getBytes } from "ethers";
import { WebSocket } from "ws";

import { connectChannelOverWebSocket } from "../../../../src/adapters/channel-api/ws-client.ts";
import {
  createChannelApiServer,
  type ChannelApiServer,
  type ChannelApiServerInit,
} from "../../../../src/adapters/channel-api/ws-server.ts";
import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { systemRandom } from "../../../../src/adapters/random/system.ts";
import { SprfError } from "../../../../src/errors.ts";
import type { ChannelConnection } from "../../../../src/ports/channel-connection.ts";
import type { ChannelUpdate } from "../../../../src/ports/channel-service.ts";
import type { SignedCall } from "../../../../src/wire/channel/call.ts";
import type { Login } from "../../../../src/wire/channel/login.ts";
import { typedDataOf } from "../../../../src/wire/channel/typed-data.ts";
import {
  DESK_ABI,
  DESK_CHANNEL,
  DESK_DOMAIN,
  createChannelDesk,
  type ChannelDesk,
} from "../../../helpers/channel-desk.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { createTcpLink } from "../../../helpers/tcp-link.ts";
import { until } from "../../../helpers/until.ts";

const MEMBER = new Wallet(`0x${"11".repeat(32)}`);
const STRANGER = new Wallet(`0x${"22".repeat(32)}`);

describe("adapters/channel-api over WebSocket", () => {
  let desk: ChannelDesk;
  let server: ChannelApiServer;
  const open: ChannelConnection[] = [];

  beforeEach(async () => {
    desk = createChannelDesk([addressOf(MEMBER)]);
    server = createServer(desk);
    await server.start();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map(async (connection) => await connection.disconnect()));
    await server.stop();
  });

  it("joins with a signed challenge, and reads, and says which nonce is next", async () => {
    const connection = await connect(MEMBER);
    expect(connection.description.head.height).to.equal(0);
    expect((await connection.read({ data: new Uint8Array(4) })).returnData.length).to.equal(64);
    expect(await connection.nonce()).to.equal(0n);
  });

  it("refuses a challenge that somebody else signed", async () => {
    expect(await codeOf(connect(MEMBER, STRANGER))).to.equal("CHANNEL_SIGNATURE_INVALID");
  });

  it("refuses a signature for another channel, hub or chain", async () => {
    for (const wrong of [
      { ...DESK_DOMAIN, chainId: 1n },
      { ...DESK_DOMAIN, hub: "0x00000000000000000000000000000000000000bb" },
    ]) {
      expect(await codeOf(connect(MEMBER, MEMBER, { domain: wrong }))).to.equal("CHANNEL_SIGNATURE_INVALID");
    }
  });

  it("says that a channel does not exist by the specification's number", async () => {
    const raw = await rawSocket();
    raw.send(rpc("state_channel.join", { sender: addressOf(MEMBER), state_channel_id: "8", signature: "0x" }));
    expect((await answerOf(raw)).error.code).to.equal(100_001);
    raw.terminate();
  });

  it("shows the channel to members only, unless it is told to show it to anyone", async () => {
    const stranger = await connect(STRANGER);
    expect(await codeOf(stranger.read({ data: new Uint8Array(4) }))).to.equal("CHANNEL_READ_DENIED");
    expect(
      await codeOf(
        stranger
          .subscribe({ signal: AbortSignal.timeout(5_000) })
          [Symbol.asyncIterator]()
          .next(),
      ),
    ).to.equal("CHANNEL_READ_DENIED");

    const openServer = createServer(desk, { readers: "anyone" });
    await openServer.start();
    try {
      const reader = await connect(STRANGER, STRANGER, { url: openServer.url });
      expect((await reader.read({ data: new Uint8Array(4) })).status).to.equal("success");
      await reader.disconnect();
    } finally {
      await openServer.stop();
    }
  });

  it("wants a join before anything else, and for the very sender", async () => {
    const raw = await rawSocket();
    raw.send(rpc("state_channel.nonce", { sender: addressOf(MEMBER), state_channel_id: "7" }));
    expect((await answerOf(raw)).error.code).to.equal(100_011);
    raw.terminate();
  });

  it("answers nonsense by JSON-RPC's own codes and lives on", async () => {
    const raw = await rawSocket();
    const expected: [string, number][] = [
      ["{", -32_700],
      [JSON.stringify({ jsonrpc: "2.0", id: 1 }), -32_600],
      [rpc("state_channel.fly", {}), -32_601],
      [rpc("state_channel.join", { sender: "me", state_channel_id: "7" }), -32_602],
      [rpc("state_channel.read", { sender: addressOf(MEMBER), state_channel_id: "7", data: "0x0" }), -32_602],
      [rpc("state_channel.nonce", { sender: addressOf(MEMBER), state_channel_id: "-7" }), -32_602],
    ];
    for (const [message, code] of expected) {
      raw.send(message);
      expect((await answerOf(raw)).error.code, message).to.equal(code);
    }
    raw.terminate();
    expect(await (await connect(MEMBER)).nonce()).to.equal(0n);
  });

  it("closes on messages that are too large or not text, and lives on", async () => {
    for (const message of ["x".repeat(65 * 1024), Buffer.from([1, 2, 3])]) {
      const raw = await rawSocket();
      const closed = once(raw, "close");
      raw.send(message);
      await closed;
    }
    expect(await (await connect(MEMBER)).nonce()).to.equal(0n);
  });

  it("closes on more questions at a time than it answers, and lives on for others", async () => {
    const member = await connect(MEMBER);
    const raw = await rawSocket();
    const closed = once(raw, "close");
    const { describe: answers } = desk;
    const gate = Promise.withResolvers<void>();
    desk.describe = async (...asked) => {
      await gate.promise;
      return await answers(...asked);
    };
    const join = rpc("state_channel.join", { sender: addressOf(MEMBER), state_channel_id: "7" });
    for (let index = 0; index < 257; index += 1) raw.send(join);
    const [code] = (await closed) as [number];
    expect(code).to.equal(1_008);
    gate.resolve();
    expect(await member.nonce()).to.equal(0n);
  });

  it("takes as many connections from an address as it leaves for others, and another once one is closed", async () => {
    await server.stop();
    server = createServer(desk, { maxConnections: 9 });
    await server.start();
    const sockets: WebSocket[] = [];
    const tries = async (): Promise<boolean> => {
      const socket = new WebSocket(server.url);
      sockets.push(socket);
      return await once(socket, "open").then(
        () => true,
        () => false,
      );
    };
    for (const expected of [true, true, true, true, true, false]) expect(await tries()).to.equal(expected);
    for (const socket of sockets.slice(0, 2)) socket.terminate();
    await until(tries, { what: "room again" });
    for (const socket of sockets) socket.terminate();
  });

  it("tells nobody what failed inside", async () => {
    const connection = await connect(MEMBER);
    desk.refuseNext(new SprfError("STORE_UNAVAILABLE", "the disk /secret/place is full"));
    const failing = connection.call(await anyCall());
    const error: unknown = await failing.catch((reason: unknown) => reason);
    expect(String(error)).not.to.contain("secret");
  });

  it("goes on in its session after the connection was lost, without the wallet", async () => {
    const link = await createTcpLink(Number(new URL(server.url).port));
    let signatures = 0;
    const connection = await connect(MEMBER, MEMBER, {
      url: `ws://127.0.0.1:${link.port}`,
      onSign: () => signatures++,
    });
    await link.cut();
    await until(async () => (await codeOf(connection.nonce())) === "PEER_UNREACHABLE");
    await link.mend();
    await until(async () => (await codeOf(connection.nonce())) === undefined);
    expect(signatures).to.equal(1);
    await link.cut();
  });

  it("keeps a subscriber that does not read from costing memory", async () => {
    const member = await connect(MEMBER);
    const raw = await rawSocket();
    raw.send(rpc("state_channel.challenge", {}));
    const { challenge } = (await answerOf(raw)).result as { challenge: string };
    const signature = await signed(MEMBER, {
      channel: DESK_CHANNEL,
      wallet: addressOf(MEMBER),
      challenge: getBytes(challenge),
    });
    raw.send(rpc("state_channel.join", { sender: addressOf(MEMBER), state_channel_id: "7", signature }));
    await answerOf(raw);

    let produced = 0;
    desk.subscribe = async function* flood() {
      const slots = Array.from({ length: 1_000 }, () => ({ slot: new Uint8Array(32), value: new Uint8Array(32) }));
      while (produced < 10_000) {
        produced++;
        yield { type: "snapshot", height: 1, recordHash: new Uint8Array(32), stateRoot: new Uint8Array(32), slots };
      }
    };
    raw.send(rpc("state_channel.subscribe", { sender: addressOf(MEMBER), state_channel_id: "7", subscription: 1 }));
    await answerOf(raw);
    raw.pause();
    // The source is asked for what the sockets' buffers hold, and then no more.
    let before = -1;
    await until(
      async () => {
        const settled = produced === before;
        before = produced;
        await member.nonce();
        await new Promise((resolve) => setImmediate(resolve));
        return settled && produced > 0;
      },
      { what: "the source's rest" },
    );
    expect(produced).to.be.lessThan(200);
    raw.terminate();
  });

  it("sends a subscriber what happens in order, with rollbacks", async () => {
    const connection = await connect(MEMBER);
    const ended = new AbortController();
    const heard: ChannelUpdate[] = [];
    const listening = (async () => {
      for await (const update of connection.subscribe({ signal: ended.signal })) heard.push(update);
    })().catch(() => undefined);
    await until(() => heard.length === 1);
    expect(heard[0]?.type).to.equal("snapshot");
    for (const nonce of [0n, 1n]) await connection.call(await anyCall(nonce));
    await until(() => heard.length === 3);
    desk.rollBack(1);
    await until(() => heard.length === 4);
    expect(heard.slice(1).map(({ type }) => type)).to.deep.equal(["record", "record", "rollback"]);
    ended.abort();
    await listening;
  });

  it("refuses more subscriptions than a connection may have, and a number twice", async () => {
    const connection = await connect(MEMBER);
    const ended = new AbortController();
    const subscribe = async (): Promise<unknown> => {
      return await connection.subscribe({ signal: ended.signal })[Symbol.asyncIterator]().next();
    };
    await Promise.all(Array.from({ length: 16 }, subscribe));
    expect(await codeOf(subscribe())).to.equal("CHANNEL_CALL_TOO_LARGE");
    ended.abort();
  });

  it("stops twice and starts again", async () => {
    await server.stop();
    await server.stop();
    await server.start();
    await server.start();
    expect(await (await connect(MEMBER)).nonce()).to.equal(0n);
  });

  async function connect(
    wallet: Wallet,
    signer: Wallet = wallet,
    { url = server.url, domain = DESK_DOMAIN, onSign = () => undefined }: ConnectOptions = {},
  ): Promise<ChannelConnection> {
    const connection = await connectChannelOverWebSocket({
      url,
      channel: DESK_CHANNEL,
      wallet: addressOf(wallet),
      signLogin: async (login) => {
        onSign();
        return getBytes(await signed(signer, login, domain));
      },
    });
    open.push(connection);
    return connection;
  }

  async function rawSocket(): Promise<WebSocket> {
    const socket = new WebSocket(server.url);
    await once(socket, "open");
    return socket;
  }
});

interface ConnectOptions {
  url?: string;
  domain?: typeof DESK_DOMAIN;
  onSign?: () => unknown;
}

function createServer(
  service: ChannelDesk,
  { readers = "members", ...init }: Partial<Pick<ChannelApiServerInit, "readers" | "maxConnections">> = {},
): ChannelApiServer {
  return createChannelApiServer({
    service,
    host: "127.0.0.1",
    port: 0,
    readers,
    ...init,
    clock: systemClock,
    random: systemRandom,
    logger: createMemoryLogger(),
  });
}

async function signed(signer: Wallet, login: Login, domain = DESK_DOMAIN): Promise<string> {
  const data = typedDataOf(domain, "Login", login);
  return await signer.signTypedData(data.domain, data.types, data.message);
}

async function anyCall(nonce = 0n): Promise<SignedCall> {
  const data = getBytes(new Interface(DESK_ABI).encodeFunctionData("add", [nonce + 1n]));
  const call = { channel: DESK_CHANNEL, sender: addressOf(MEMBER), nonce, gasLimit: 1n, validUntilMs: 2n ** 41n, data };
  const typed = typedDataOf(DESK_DOMAIN, "Call", call);
  return { call, signature: getBytes(await MEMBER.signTypedData(typed.domain, typed.types, typed.message)) };
}

function addressOf(wallet: Wallet): string {
  return wallet.address.toLowerCase();
}

function rpc(method: string, params: object): string {
  return JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
}

async function answerOf(socket: WebSocket): Promise<{ error: { code: number }; result: unknown }> {
  const [data] = (await once(socket, "message")) as [Buffer];
  return JSON.parse(data.toString()) as { error: { code: number }; result: unknown };
}
