import { readNodeConsent } from "../config/node-consent-file.ts";
import type { Settings } from "../config/schema.ts";
import { machineResources, type NodeInit } from "../create-node.ts";

const BYTES_PER_MIB = 1024 ** 2;
const BYTES_PER_GIB = 1024n ** 3n;

/** What a node is made of, from settings and from the consent that they name. */
export async function nodeInitOf({ node, engines, dataDirectory }: Settings): Promise<NodeInit> {
  const consent = node.consentFile === undefined ? undefined : await readNodeConsent(node.consentFile);
  const { cruCores, sruGib, hruGib, mruGib } = node.resources;
  const has = consent?.resources ?? (await machineResources(dataDirectory ?? "."));
  const { dockerSocket: socketPath, dockerRuntime: runtime } = engines;
  return {
    farmId: node.farmId ?? consent?.farmId,
    consent,
    resources: {
      cruCores: cruCores ?? has.cruCores,
      sruBytes: bytesOf(sruGib) ?? has.sruBytes,
      hruBytes: bytesOf(hruGib) ?? has.hruBytes,
      mruBytes: bytesOf(mruGib) ?? has.mruBytes,
    },
    addresses: { loopback: node.loopbackAddress, node: node.nodeAddress },
    pollIntervalMs: node.pollMs,
    sampleIntervalMs: node.sampleMs,
    reportIntervalMs: node.reportMs,
    docker: {
      ...(socketPath === undefined ? {} : { connection: { socketPath } }),
      ...(runtime === undefined ? {} : { runtime }),
      firewall: node.firewall,
      label: node.label,
      imageCacheBytes: engines.imageCacheMib * BYTES_PER_MIB,
    },
  };
}

function bytesOf(gib: bigint | undefined): bigint | undefined {
  return gib === undefined ? undefined : gib * BYTES_PER_GIB;
}
