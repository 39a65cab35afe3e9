import { expect } from "chai";
import { lpStream, pbStream } from "@libp2p/utils";
import { multiaddr } from "@multiformats/multiaddr";
import { proto_filter_v2, proto_lightpush, proto_metadata, proto_store } from "@waku/proto";
import type { Connection } from "@libp2p/interface";
import type { WakuMessage } from "@waku/proto";

import { utf8 } from "../../../../../src/utils/bytes.ts";
import { createServingNode } from "../../../../helpers/light-node.ts";
import { createRelayNode } from "../../../../helpers/relay-node.ts";
import type { RelayNode } from "../../../../helpers/relay-node.ts";

const FILTER = "/vac/waku/filter-subscribe/2.0.0-beta1";
const PUSH_V3 = "/vac/waku/lightpush/3.0.0";
const PUSH_V2 = "/vac/waku/lightpush/2.0.0-beta1";
const STORE = "/vac/waku/store-query/3.0.0";
const METADATA = "/vac/waku/metadata/1.0.0";
const SHARD = "/waku/2/rs/42/0";
const TOPIC = "/sprf/1/ask-7/cbor";
const Kind = proto_filter_v2.FilterSubscribeRequest.FilterSubscribeType;

interface Codec<Message> {
  decode(bytes: Uint8Array): Message;
  encode(message: Partial<Message>): Uint8Array;
}

describe("devnet/waku/service/create-service-node", () => {
  let service: RelayNode;
  let stranger: RelayNode;
  let connection: Connection;

  beforeEach(async () => {
    service = await createServingNode("service");
    stranger = await createRelayNode("stranger");
    await service.start();
    // Its messenger does not start: a client that relays nothing.
    await stranger.node.start();
    connection = await stranger.node.libp2p.dial(multiaddr(service.node.multiaddrs()[0]));
  });
  afterEach(async () => {
    await Promise.all([stranger.node.stop(), service.stop()]);
  });

  const ask = async <Request, Response>(
    protocol: string,
    [request, codec]: readonly [Partial<Request>, Codec<Request>],
    answer: Codec<Response>,
  ): Promise<Response> => {
    const stream = await connection.newStream(protocol);
    const messages = pbStream(stream);
    const signal = AbortSignal.timeout(5_000);
    await messages.write(request, { encode: (message: Partial<Request>) => codec.encode(message) }, { signal });
    const response = await messages.read({ decode: (bytes) => answer.decode(bytes.subarray()) }, { signal });
    await stream.close({ signal });
    return response;
  };
  const filter = async (
    filterSubscribeType: proto_filter_v2.FilterSubscribeRequest.FilterSubscribeType,
    contentTopics: string[] = [],
    pubsubTopic = SHARD,
  ): Promise<number> => {
    const request = { requestId: "r", filterSubscribeType, contentTopics, pubsubTopic };
    const codecs = [request, proto_filter_v2.FilterSubscribeRequest] as const;
    return (await ask(FILTER, codecs, proto_filter_v2.FilterSubscribeResponse)).statusCode;
  };
  const push = async (message: Partial<WakuMessage>, pubsubTopic = SHARD): Promise<number> => {
    const whole = { payload: utf8("x"), contentTopic: TOPIC, version: 1, timestamp: 1n, ...message };
    const codecs = [{ requestId: "r", pubsubTopic, message: whole }, proto_lightpush.LightPushRequestV3] as const;
    return (await ask(PUSH_V3, codecs, proto_lightpush.LightPushResponseV3)).statusCode;
  };
  const topics = (count: number, from = 0): string[] =>
    Array.from({ length: count }, (_, index) => `/sprf/1/ask-${from + index}/cbor`);

  it("should say which shard it serves", async () => {
    const asked: Partial<proto_metadata.WakuMetadataRequest> = { clusterId: 42, shards: [] };
    const request = [asked, proto_metadata.WakuMetadataRequest] as const;
    const { clusterId, shards } = await ask(METADATA, request, proto_metadata.WakuMetadataResponse);
    expect([clusterId, shards]).to.deep.equal([42, [0]]);
  });

  it("should know who subscribes, and refuse what is too much, of another shard or no topic", async () => {
    expect(await filter(Kind.SUBSCRIBER_PING)).to.equal(404);
    expect(await filter(Kind.SUBSCRIBE, [TOPIC])).to.equal(200);
    expect(await filter(Kind.SUBSCRIBER_PING)).to.equal(200);
    expect(await filter(Kind.SUBSCRIBE, topics(101))).to.equal(400);
    expect(await filter(Kind.SUBSCRIBE, [])).to.equal(400);
    expect(await filter(Kind.SUBSCRIBE, ["nowhere"])).to.equal(400);
    expect(await filter(Kind.SUBSCRIBE, [TOPIC], "/waku/2/rs/42/1")).to.equal(400);
    expect(await filter(Kind.UNSUBSCRIBE, [TOPIC])).to.equal(200);
    expect(await filter(Kind.SUBSCRIBER_PING)).to.equal(404);
    expect(await filter(Kind.UNSUBSCRIBE_ALL)).to.equal(404);
    for (let from = 0; from < 1_000; from += 100) expect(await filter(Kind.SUBSCRIBE, topics(100, from))).to.equal(200);
    expect(await filter(Kind.SUBSCRIBE, topics(1, 1_000))).to.equal(503);
    expect(await filter(Kind.UNSUBSCRIBE_ALL)).to.equal(200);
  });

  it("should refuse to push what is too large, of another shard or no message, and say when nobody takes it", async () => {
    expect(await push({})).to.equal(505);
    expect(await filter(Kind.SUBSCRIBE, [TOPIC])).to.equal(200);
    expect(await push({ timestamp: 2n })).to.equal(200);
    expect(await push({ payload: new Uint8Array(153_600) })).to.equal(413);
    expect(await push({}, "/waku/2/rs/1/0")).to.equal(421);
    expect(await push({ contentTopic: "nowhere" })).to.equal(400);
    expect(await push({ payload: new Uint8Array(0) })).to.equal(400);
  });

  it("should push by the older protocol as well", async () => {
    await filter(Kind.SUBSCRIBE, [TOPIC]);
    const message = { payload: utf8("x"), contentTopic: TOPIC, timestamp: 3n };
    const request = { requestId: "r", request: { pubsubTopic: SHARD, message } };
    const { response } = await ask(PUSH_V2, [request, proto_lightpush.PushRpc], proto_lightpush.PushRpc);
    expect(response?.isSuccess).to.equal(true);
  });

  it("should return what was pushed, page by page, and refuse a cursor it does not know", async () => {
    await filter(Kind.SUBSCRIBE, [TOPIC]);
    for (const timestamp of [1n, 2n, 3n]) await push({ timestamp, payload: utf8(`${timestamp}`) });
    const query = async (changes: Partial<proto_store.StoreQueryRequest>): Promise<proto_store.StoreQueryResponse> => {
      const request = { includeData: true, pubsubTopic: SHARD, contentTopics: [TOPIC], paginationForward: true };
      const codecs = [{ requestId: "r", ...request, ...changes }, proto_store.StoreQueryRequest] as const;
      return await ask(STORE, codecs, proto_store.StoreQueryResponse);
    };
    const first = await query({ paginationLimit: 2n });
    expect(first.messages.map(({ message }) => message?.timestamp)).to.deep.equal([1n, 2n]);
    const { paginationCursor } = first;
    if (paginationCursor === undefined) throw new Error("no cursor");
    const second = await query({ paginationCursor });
    expect(second.messages.map(({ message }) => message?.timestamp)).to.deep.equal([3n]);
    expect((await query({ includeData: false })).messages.every(({ message }) => message === undefined)).to.equal(true);
    expect((await query({ paginationCursor: new Uint8Array(32) })).statusCode).to.equal(400);
    expect((await query({ pubsubTopic: "/waku/2/rs/1/0" })).statusCode).to.equal(400);
  });

  it("should drop the stream of who sends garbage or too much, and serve on", async () => {
    for (const bytes of [new Uint8Array([255, 255, 255]), new Uint8Array(40_000)]) {
      const stream = await connection.newStream(FILTER);
      const messages = lpStream(stream);
      await messages.write(bytes).catch(() => undefined);
      const refused = await messages.read({ signal: AbortSignal.timeout(5_000) }).catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(Error).and.not.have.property("name", "TimeoutError");
    }
    expect(await filter(Kind.SUBSCRIBE, [TOPIC])).to.equal(200);
  });
});
