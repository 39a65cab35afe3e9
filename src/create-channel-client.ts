import type { Abi } from "abitype";

import { connectChannelOverWebSocket } from "./adapters/channel-api/ws-client.ts";
import { systemClock } from "./adapters/clock/system.ts";
import { systemRandom } from "./adapters/random/system.ts";
import {
  createSessionKey,
  sign,
  signCall,
  type HubAddress,
  type SessionKey,
  type TypedDataSigner,
} from "./client/channel/channel-signer.ts";
import { followUpdates } from "./client/channel/follow-updates.ts";
import {
  createProgramCodec,
  type CallName,
  type FunctionArgs,
  type FunctionValue,
  type ProgramEvent,
  type ViewName,
} from "./client/channel/program-abi.ts";
import { createCallSender } from "./client/channel/send-calls.ts";
import { SprfError } from "./errors.ts";
import type {
  ChannelDescription,
  ChannelReceipt,
  ChannelUpdate,
  Commitment,
  SubscribeOptions,
} from "./ports/channel-service.ts";
import { typedDataOf } from "./wire/channel/typed-data.ts";

const DEFAULT_GAS_LIMIT = 2_000_000n;
const DEFAULT_VALID_MS = 30_000;

/** Which channel to connect to, through which node, and as whom. */
export interface ConnectChannelInit<ProgramAbi extends Abi> extends HubAddress {
  /** `ws://` or `wss://` of a member's node. */
  readonly url: string;
  readonly channel: bigint;
  readonly signer: TypedDataSigner;
  /** The program's ABI; `as const` gives types. */
  readonly abi: ProgramAbi;
  /** Of each call. @default 2,000,000, the most there can be */
  readonly gasLimit?: bigint;
  /** How long a call is tried. @default 30,000 */
  readonly validMs?: number;
}

/** What every call takes. */
export interface ChannelCallOptions {
  /** Aborting rejects with `ABORTED`; a call that was sent may still be run. */
  readonly signal?: AbortSignal | undefined;
}

/** What a call came to. */
export interface ChannelCallResult<Value> {
  readonly value: Value;
  readonly events: readonly ProgramEvent[];
  /** As the leader signed it. */
  readonly receipt: ChannelReceipt;
  /**
   * Resolves when a quorum holds it, with what it came to for good: a record that is lost with its leader is made again, and may come to
   * something else.
   *
   * @throws SprfError as the call does; `CHANNEL_ROLLED_BACK` when something else took its number
   */
  committed(options?: ChannelCallOptions): Promise<ChannelCallResult<Value>>;
  /** The same when it is settled on chain, however long that takes. */
  final(options?: ChannelCallOptions): Promise<ChannelCallResult<Value>>;
}

/** What a view returned, and of which state. */
export interface ChannelViewResult<Value> {
  readonly value: Value;
  readonly height: number;
  readonly commitment: Commitment;
}

/** A program in a channel, as one wallet uses it. */
export interface ChannelClient<ProgramAbi extends Abi> {
  /** The channel as the node said last. */
  readonly description: ChannelDescription;
  /** @throws SprfError `CHANNEL_CALL_FAILED` with the program's reason, `CHANNEL_CALL_EXPIRED`, `INVALID_INPUT` */
  call<Name extends CallName<ProgramAbi>>(
    name: Name,
    args: FunctionArgs<ProgramAbi, Name>,
    options?: ChannelCallOptions,
  ): Promise<ChannelCallResult<FunctionValue<ProgramAbi, Name>>>;
  /** Reads at the head, or at a height. @throws SprfError `CHANNEL_CALL_FAILED`, `CHANNEL_HEIGHT_UNKNOWN` */
  read<Name extends ViewName<ProgramAbi>>(
    name: Name,
    args: FunctionArgs<ProgramAbi, Name>,
    options?: ChannelCallOptions & { readonly height?: number },
  ): Promise<ChannelViewResult<FunctionValue<ProgramAbi, Name>>>;
  /** A record by its height, or this wallet's call by its nonce. */
  transaction(
    by: { readonly height: number } | { readonly nonce: bigint },
    options?: ChannelCallOptions,
  ): Promise<ChannelReceipt | undefined>;
  /** What happens, with the program's events; goes on by itself after the connection was lost. */
  subscribe(options: SubscribeOptions): AsyncIterable<ChannelUpdate & { readonly events?: readonly ProgramEvent[] }>;
  /** Signs calls with a key of its own from now on, so that the wallet is asked once. */
  useSessionKey(
    options: ChannelCallOptions & {
      /** @default all */
      readonly functions?: readonly CallName<ProgramAbi>[];
      readonly expiryMs: number;
    },
  ): Promise<void>;
  /** Ends the session key that is in use. */
  endSessionKey(options?: ChannelCallOptions): Promise<void>;
  /**
   * Has the node, which must be this wallet's own, settle all up to its head on chain; resolves with the height once it is final.
   *
   * @throws SprfError `CHANNEL_SETTLEMENT_FAILED`, `CHANNEL_BUSY`, `CHANNEL_NOT_MEMBER`
   */
  settle(options?: ChannelCallOptions): Promise<number>;
  /** Has the node, which must be this wallet's own, leave the channel. */
  leave(options?: ChannelCallOptions): Promise<void>;
  /** Has the node ask for the channel's end. @throws SprfError `CHANNEL_NOT_MEMBER` where only its app may */
  close(options?: ChannelCallOptions): Promise<void>;
  /** Hangs up; safe to repeat. */
  disconnect(): Promise<void>;
}

/** Connects a wallet to a program in a channel. @throws SprfError `PEER_UNREACHABLE`, `CHANNEL_UNKNOWN` */
export async function connectChannel<const ProgramAbi extends Abi>(
  init: ConnectChannelInit<ProgramAbi>,
  options: ChannelCallOptions = {},
): Promise<ChannelClient<ProgramAbi>> {
  const { channel, signer, gasLimit = DEFAULT_GAS_LIMIT, validMs = DEFAULT_VALID_MS } = init;
  const at: HubAddress = { chainId: init.chainId, hub: init.hub.toLowerCase() };
  const wallet = (await signer.getAddress()).toLowerCase();
  const codec = createProgramCodec(init.abi);
  const connection = await connectChannelOverWebSocket(
    { url: init.url, channel, wallet, signLogin: async (login) => await sign(signer, typedDataOf(at, "Login", login)) },
    options,
  );
  let sessionKey: SessionKey | undefined;
  const calls = createCallSender({
    connection,
    clock: systemClock,
    validMs,
    sign: async (data, nonce, validUntilMs) => {
      const call = { channel, sender: wallet, nonce, gasLimit, validUntilMs: BigInt(validUntilMs), data };
      if (sessionKey?.mayCall(data, validUntilMs)) return await sessionKey.sign(at, call);
      return await signCall(signer, at, call);
    },
  });
  /** Resolves with the record that stays. */
  const waitFor = async (
    signed: ChannelReceipt,
    commitment: Commitment,
    { signal }: ChannelCallOptions = {},
  ): Promise<ChannelReceipt> => {
    for (let receipt = signed; ;) {
      try {
        await connection.wait(receipt, commitment, { signal });
        return receipt;
      } catch (error) {
        if (signal?.aborted || !(error instanceof SprfError)) throw error;
        if (error.code === "CHANNEL_ROLLED_BACK") receipt = await calls.resend(receipt, { signal });
        else if (error.code !== "TIMEOUT" && error.code !== "PEER_UNREACHABLE") throw error;
        await systemClock.sleep(100, { signal });
      }
    }
  };
  const resultOf = <Value>(name: string, receipt: ChannelReceipt): ChannelCallResult<Value> => {
    if (receipt.status !== "success") throw failed(name, receipt, codec.reason(receipt.returnData));
    const after = async (commitment: Commitment, options?: ChannelCallOptions): Promise<ChannelCallResult<Value>> =>
      resultOf(name, await waitFor(receipt, commitment, options));
    return {
      value: codec.decode(name, receipt.returnData) as Value,
      events: codec.events(receipt.logs),
      receipt,
      committed: async (options) => await after("committed", options),
      final: async (options) => await after("final", options),
    };
  };

  return {
    get description() {
      return connection.description;
    },
    async call(name, args, callOptions) {
      return resultOf(name, await calls.send(codec.encode(name, args), callOptions));
    },
    async read(name, args, { height, signal } = {}) {
      const data = codec.encode(name, args);
      const view = await connection.read({ data, ...(height !== undefined && { height }) }, { signal });
      if (view.status === "failed")
        throw new SprfError("CHANNEL_CALL_FAILED", `${name}: ${codec.reason(view.returnData)}`);
      return { value: codec.decode(name, view.returnData) as never, height: view.height, commitment: view.commitment };
    },
    async transaction(by, callOptions) {
      return await connection.transaction(by, callOptions);
    },
    async *subscribe(subscribeOptions) {
      for await (const update of followUpdates(connection, subscribeOptions, systemClock)) {
        yield update.type === "record" ? { ...update, events: codec.events(update.record.logs) } : update;
      }
    },
    async useSessionKey({ functions = [], expiryMs, signal }) {
      if (expiryMs <= systemClock.now()) throw new SprfError("INVALID_INPUT", "expiryMs: has passed already");
      const selectors = functions.map((name) => codec.selector(name));
      const grant = { channel, wallet, functions: selectors, expiryMs: BigInt(expiryMs) };
      const key = await createSessionKey(signer, at, grant, systemRandom);
      await connection.session(key.granted, { signal });
      sessionKey = key;
    },
    async endSessionKey({ signal } = {}) {
      const ending = sessionKey;
      if (ending === undefined) return;
      sessionKey = undefined;
      await calls.spend(
        async (nonce) => {
          const revoke = { channel, wallet, key: ending.key, nonce };
          const signature = await sign(signer, typedDataOf(at, "SessionRevoke", revoke));
          await connection.session({ what: "revoke", revoke, signature }, { signal });
        },
        { signal },
      );
    },
    async settle(callOptions) {
      return await connection.settle(callOptions);
    },
    async leave(callOptions) {
      await connection.leave(callOptions);
    },
    async close(callOptions) {
      await connection.close(callOptions);
    },
    async disconnect() {
      await connection.disconnect();
    },
  };
}

function failed(name: string, { height, status }: ChannelReceipt, reason: string): SprfError {
  const why = status === "over-limit" ? "it touches more slots than a call may" : reason;
  return new SprfError("CHANNEL_CALL_FAILED", `${name} at height ${height}: ${why}`);
}
