import type { WorkloadDraft } from "../../src/wire/grid/file/convert.ts";
import { exampleContainer, GIB, MIB } from "./grid-workloads.ts";

/** Keeps a line of each start in a volume, and ends at once when it is told to. */
const SERVE = [
  'trap "exit 0" TERM',
  "mkdir -p /www",
  'echo "$TEXT" >>/data/history',
  'echo "$TEXT $TOKEN" >/www/index.html',
  "ln -sf /data/history /www/history",
  "httpd -p 80 -h /www",
  "sleep 100000 & wait",
].join("\n");

/** A server of a text and a secret, on a public IP or on the node's loopback, which serves all texts that it ever had as `/history`. */
export function pageDraft(
  image: string,
  { text, port, publicIp }: { readonly text: string; readonly port: number; readonly publicIp: boolean },
): WorkloadDraft {
  const sizeBytes = 16n * MIB;
  const memoryBytes = 32n * MIB;
  return {
    version: 1,
    containers: [
      exampleContainer({
        name: "web",
        image,
        entrypoint: ["sh", "-c", SERVE],
        environment: { TEXT: text },
        cpuMillicores: 200,
        memoryBytes,
        mounts: [{ volume: "data", path: "/data", readOnly: false }],
        ports: [{ containerPort: 80, hostPort: port, protocol: "tcp", address: publicIp ? 0 : "loopback" }],
        secrets: [{ secret: "token", variable: "TOKEN" }],
        health: {
          command: ["wget", "-qO-", "http://127.0.0.1/"],
          intervalMs: 1_000,
          timeoutMs: 10_000,
          retries: 30,
          startPeriodMs: 0,
        },
      }),
    ],
    volumes: [{ name: "data", sizeBytes, disk: "ssd" }],
    publicIps: publicIp ? 1 : 0,
    limits: { cruCores: 1, sruBytes: sizeBytes, hruBytes: 0n, mruBytes: memoryBytes, nruBytesPerHour: GIB },
  };
}
