import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";

import type Docker from "dockerode";

import type { EthersGrid } from "./adapters/chain/ethers.ts";
import { createEciesCipher } from "./adapters/cipher/ecies.ts";
import { createDockerWorkloads } from "./adapters/workloads/docker/create-docker-workloads.ts";
import type { Peer } from "./create-peer.ts";
import type { HostPort, NodeAddresses } from "./domain/grid/host-ports.ts";
import { SprfError } from "./errors.ts";
import { createNodeService, type NodeService } from "./node/node-service.ts";
import type { Twin } from "./ports/chain.ts";
import type { GridResources, NodeConsent, NodeLocation } from "./ports/grid-registry.ts";
import type { Startable } from "./ports/startable.ts";
import type { Workloads } from "./ports/workloads.ts";
import { fromHex, toHex, utf8 } from "./utils/bytes.ts";

/** Three reports in each of the chain's intervals: a bill runs on for two without one. */
const REPORTS_PER_INTERVAL = 3;
const MS_PER_SECOND = 1_000;
const DEFAULT_POLL_MS = 10_000;
const DEFAULT_SAMPLE_MS = 10_000;
const LABEL_DIGITS = 16;
const NOWHERE: NodeLocation = { country: "ZZ", latitude: 0, longitude: 0, city: "" };

export interface NodeInit {
  /** The farm that a node is made in when this twin has none; its owner's consent unless that is this twin itself. */
  readonly farmId?: number | undefined;
  readonly consent?: NodeConsent | undefined;
  /** @default what the machine has */
  readonly resources?: GridResources | undefined;
  readonly location?: NodeLocation | undefined;
  /** Where deployments publish that ask for no public IP. @default 127.0.0.1 */
  readonly addresses?: Partial<NodeAddresses> | undefined;
  /** Ports of this machine that no deployment gets. */
  readonly ownPorts?: readonly HostPort[] | undefined;
  /** @default 10,000 */
  readonly pollIntervalMs?: number | undefined;
  /** @default 10,000 */
  readonly sampleIntervalMs?: number | undefined;
  /** @default a third of the chain's interval */
  readonly reportIntervalMs?: number | undefined;
  readonly docker?:
    | {
        readonly connection?: Docker.DockerOptions | undefined;
        readonly runtime?: string | undefined;
        readonly firewall?: "iptables" | "managed-elsewhere" | undefined;
        /** On its containers; of one node alone, and always the same. @default one of the account on this grid */
        readonly label?: string | undefined;
        /** How much the images that it pulled may take, as long as deployments need no more. @default all stay */
        readonly imageCacheBytes?: number | undefined;
      }
    | undefined;
  /** Puts something around what runs deployments: the faults of a test. */
  readonly wrapWorkloads?: ((workloads: Workloads) => Workloads) | undefined;
}

/** A node of the grid as part of a daemon. */
export interface GridNodeDaemon extends Startable {
  /** Known after start. */
  readonly nodeId: number;
  /** What keeps users from it, in one line; undefined while nothing does. */
  problem(): string | undefined;
}

/** Makes the node of a twin: registered in its farm, running what its contracts name. */
export function createNode(
  peer: Peer,
  init: NodeInit,
  { directory = "." }: { readonly directory?: string | undefined },
): GridNodeDaemon {
  const { chain, clock, keys, random, messenger, content, store } = peer;
  const logger = peer.logger.child({ component: "node" });
  let running: { readonly nodeId: number; readonly service: NodeService } | undefined;

  async function start(signal: AbortSignal | undefined): Promise<void> {
    const { grid } = chain;
    if (grid === undefined) {
      throw new SprfError("CONFIG_INVALID", "networks.chain.grid: a node needs the addresses of a grid");
    }
    const twin = await peer.ensureTwin({ signal });
    const nodeId = await ensureNode(grid, twin, init, { directory, signal });
    const node = await grid.registry.node(nodeId, { signal });
    if (node === undefined) throw new SprfError("INTERNAL", `node ${nodeId} was made and is not there`);
    const {
      label = labelOf(chain.chainId, grid, chain.account),
      imageCacheBytes: maxBytes,
      ...docker
    } = init.docker ?? {};
    const images = maxBytes === undefined ? undefined : { path: join(directory, "node-images.json"), maxBytes };
    const intervalMs = (await grid.registry.intervalSeconds({ signal })) * MS_PER_SECOND;
    const workloads = createDockerWorkloads({ logger }, { owner: label, images, ...docker });
    const service = createNodeService(
      {
        messenger,
        identity: { publicKey: keys.messageKey, privateKey: keys.messagePrivateKey },
        chainId: chain.chainId,
        grid: fromHex(grid.addresses.contracts),
        clock,
        random,
        logger,
        chain,
        contracts: grid.contracts,
        workloads: init.wrapWorkloads?.(workloads) ?? workloads,
        content,
        multiaddrs: () => peer.node.multiaddrs(),
        cipher: createEciesCipher({ messageKey: keys.messagePrivateKey }),
        store,
      },
      {
        node: {
          nodeId: BigInt(nodeId),
          resources: node.resources,
          addresses: { loopback: "127.0.0.1", node: "127.0.0.1", ...init.addresses },
          ownPorts: init.ownPorts ?? [],
        },
        pollIntervalMs: init.pollIntervalMs ?? DEFAULT_POLL_MS,
        sampleIntervalMs: init.sampleIntervalMs ?? DEFAULT_SAMPLE_MS,
        reportIntervalMs: init.reportIntervalMs ?? Math.floor(intervalMs / REPORTS_PER_INTERVAL),
      },
    );
    await service.start({ signal });
    running = { nodeId, service };
  }

  return {
    get nodeId() {
      if (running === undefined) throw new SprfError("INTERNAL", "the node was not started");
      return running.nodeId;
    },
    problem: () => running?.service.problem(),
    async start({ signal } = {}) {
      if (running === undefined) await start(signal);
    },
    async stop() {
      await running?.service.stop();
    },
  };
}

/** The node of this twin, made when there is none. One on standby stays so: its operator wants no more contracts on it. @throws SprfError `CONFIG_INVALID` when it is to join no farm */
async function ensureNode(
  { registry }: EthersGrid,
  twin: Twin,
  init: NodeInit,
  { directory, signal }: { readonly directory: string; readonly signal: AbortSignal | undefined },
): Promise<number> {
  const found = await registry.nodeOfTwin(twin.id, { signal });
  if (found !== undefined) {
    const node = await registry.node(found, { signal });
    if (node?.retiresAtSeconds !== undefined) {
      throw new SprfError("CONFIG_INVALID", `node ${found} of this account was deleted; a node needs another account`);
    }
    return found;
  }
  const { farmId, consent } = init;
  if (farmId === undefined) {
    throw new SprfError("CONFIG_INVALID", "node.farmId: this account has no node, and no farm to make one in is set");
  }
  const farm = await registry.farm(farmId, { signal });
  if (farm === undefined) throw new SprfError("CONFIG_INVALID", `node.farmId: there is no farm ${farmId}`);
  if (consent === undefined && farm.twinId !== twin.id) {
    throw new SprfError(
      "CONFIG_INVALID",
      `node.consentFile: farm ${farmId} is somebody else's, whose consent it takes`,
    );
  }
  return await registry.createNode(
    {
      farmId,
      resources: init.resources ?? (await machineResources(directory)),
      location: init.location ?? NOWHERE,
      consent: consent ?? { deadlineSeconds: 0, signature: new Uint8Array() },
    },
    { signal },
  );
}

/** What this machine has; the disk is the one that the data directory is on. */
export async function machineResources(directory: string): Promise<GridResources> {
  // Before the first start there may be no such folder yet.
  const { blocks, bsize } = await statfs(existsSync(directory) ? directory : ".", { bigint: true });
  return {
    cruCores: availableParallelism(),
    sruBytes: blocks * bsize,
    hruBytes: 0n,
    mruBytes: BigInt(totalmem()),
  };
}

/** So that nodes of several accounts, or on several grids, can share a Docker Engine. */
function labelOf(chainId: bigint, { addresses }: EthersGrid, account: string): string {
  const digest = createHash("sha256").update(utf8(`${chainId} ${addresses.contracts} ${account}`.toLowerCase()));
  return `n${toHex(digest.digest()).slice(0, LABEL_DIGITS)}`;
}
