import type { z } from "zod";

import { SprfError } from "../../errors.ts";
import type { ChannelService } from "../../ports/channel-service.ts";
import type { Random } from "../../ports/random.ts";
import { channelDomain } from "../../wire/channel/domain.ts";
import { jsonOf, type ChannelMethod, type PARAMS } from "../../wire/channel/api-json.ts";
import { isLoginSigned } from "../../wire/channel/login.ts";
import type { SessionInput } from "../../wire/channel/session.ts";
import type { ApiSession, SessionBook } from "./sessions.ts";
import type { SubscriptionBook } from "./subscriptions.ts";

const CHALLENGE_BYTES = 32;
/** How long a client may wait for a commitment in one question; a settlement takes longer, and is asked for again. */
const WAIT_TIMEOUT_MS = 60_000;
const MAX_JOINED_CHANNELS = 64;

/** Who may read a channel at this node. */
export type Readers = "anyone" | "members";

export interface MethodsInit {
  readonly service: ChannelService;
  readonly sessions: SessionBook;
  readonly subscriptions: SubscriptionBook;
  readonly random: Random;
  readonly readers: Readers;
  /** May read in any case. */
  readonly owner?: string | undefined;
  /** Aborts when the connection ends. */
  readonly signal: AbortSignal;
}

type Params<Method extends ChannelMethod> = z.output<(typeof PARAMS)[Method]>;
export type Methods = { readonly [Method in ChannelMethod]: (params: Params<Method>) => Promise<object> };

/** What one connection may ask, and what it is answered. */
export function createMethods(init: MethodsInit): Methods {
  const { service, sessions, subscriptions, signal } = init;
  const joined = new Map<bigint, string>();
  let challenge: Uint8Array | undefined;

  const demandSession = (channel: bigint, sender: string): void => {
    if (joined.get(channel) === sender) return;
    throw new SprfError("CHANNEL_SESSION_REQUIRED", `${sender} has not joined channel ${channel} on this connection`);
  };
  const demandReader = async (channel: bigint, sender: string): Promise<void> => {
    demandSession(channel, sender);
    if (init.readers === "anyone" || sender === init.owner) return;
    const { members } = await service.describe(channel, { signal });
    if (members.some(({ account }) => account === sender)) return;
    throw new SprfError("CHANNEL_READ_DENIED", `${sender} is no member of channel ${channel}`);
  };
  const openSession = async (
    session: ApiSession,
    given: { readonly signature?: Uint8Array | undefined; readonly session?: string | undefined },
  ): Promise<string> => {
    if (given.session !== undefined && sessions.resume(given.session, session)) return given.session;
    const signed = challenge;
    if (given.signature === undefined || signed === undefined) {
      throw new SprfError(
        "CHANNEL_SESSION_REQUIRED",
        "sign the challenge of `state_channel.challenge`, or give an open session",
      );
    }
    const { chainId, hub } = await service.describe(session.channel, { signal });
    if (!isLoginSigned(channelDomain(chainId, hub), { ...session, challenge: signed }, given.signature)) {
      throw new SprfError("CHANNEL_SIGNATURE_INVALID", `the challenge is not signed by ${session.wallet}`);
    }
    return sessions.open(session);
  };

  const changeSession = async (input: SessionInput): Promise<object> => {
    const { channel, wallet } = input.what === "grant" ? input.grant : input.revoke;
    demandSession(channel, wallet);
    return jsonOf(await service.session(input, { signal }));
  };

  return {
    async "state_channel.challenge"() {
      challenge = init.random.bytes(CHALLENGE_BYTES);
      return jsonOf({ challenge });
    },
    async "state_channel.join"({ sender, state_channel_id: channel, ...given }) {
      const description = await service.describe(channel, { signal });
      const session = await openSession({ wallet: sender, channel }, given);
      if (joined.size >= MAX_JOINED_CHANNELS && !joined.has(channel)) {
        throw new SprfError("CHANNEL_CALL_TOO_LARGE", `a connection joins at most ${MAX_JOINED_CHANNELS} channels`);
      }
      joined.set(channel, sender);
      return jsonOf({ session, channel: description });
    },
    async "state_channel.call"(signed) {
      demandSession(signed.call.channel, signed.call.sender);
      return jsonOf(await service.call(signed, { signal }));
    },
    async "state_channel.grant"(input) {
      return await changeSession(input);
    },
    async "state_channel.revoke"(input) {
      return await changeSession(input);
    },
    async "state_channel.read"({ sender, state_channel_id: channel, data, height }) {
      await demandReader(channel, sender);
      return jsonOf(await service.read(channel, { sender, data, ...(height !== undefined && { height }) }, { signal }));
    },
    async "state_channel.describe"({ sender, state_channel_id: channel }) {
      demandSession(channel, sender);
      return jsonOf({ channel: await service.describe(channel, { signal }) });
    },
    async "state_channel.nonce"({ sender, state_channel_id: channel }) {
      demandSession(channel, sender);
      return jsonOf({ nonce: await service.nonce(channel, sender, { signal }) });
    },
    async "state_channel.getTransaction"({ sender, state_channel_id: channel, height, nonce }) {
      await demandReader(channel, sender);
      if ((height === undefined) === (nonce === undefined)) {
        throw new SprfError("INVALID_INPUT", "give either the height, or the sender's nonce");
      }
      const by = nonce === undefined ? { height: height ?? 0 } : { sender, nonce };
      return jsonOf({ record: (await service.transaction(channel, by, { signal })) ?? null });
    },
    async "state_channel.wait"({ sender, state_channel_id: channel, height, recordHash, commitment }) {
      await demandReader(channel, sender);
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(WAIT_TIMEOUT_MS)]);
      await service.committed(channel, { height, recordHash }, commitment, { signal: deadline });
      return {};
    },
    async "state_channel.subscribe"({ sender, state_channel_id: channel, subscription, from, commitment }) {
      await demandReader(channel, sender);
      const options = {
        ...(from !== undefined && { from }),
        ...(commitment !== undefined && { commitment }),
      };
      subscriptions.open(subscription, (ended) => service.subscribe(channel, { ...options, signal: ended }));
      return {};
    },
    async "state_channel.unsubscribe"({ subscription }) {
      subscriptions.close(subscription);
      return {};
    },
    async "state_channel.settle"({ sender, state_channel_id: channel }) {
      demandSession(channel, sender);
      return { height: await service.settle(channel, sender, { signal }) };
    },
    async "state_channel.leave"({ sender, state_channel_id: channel }) {
      demandSession(channel, sender);
      await service.leave(channel, sender, { signal });
      return {};
    },
    async "state_channel.close"({ sender, state_channel_id: channel }) {
      demandSession(channel, sender);
      await service.close(channel, sender, { signal });
      return {};
    },
  };
}
