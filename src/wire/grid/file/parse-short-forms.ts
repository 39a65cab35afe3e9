import type { PublishedPort, WorkloadContainer } from "../container.ts";
import type { FileService } from "./schema.ts";
import { parseWhole } from "./units.ts";

type FilePort = NonNullable<FileService["ports"]>[number];
type FileMount = NonNullable<FileService["volumes"]>[number];

/** `[address:]host:container[/protocol]` or the long form; text that says what is wrong. */
export function parsePort(port: FilePort): PublishedPort | string {
  if (typeof port !== "string") {
    return publish(`${port.target}`, `${port.published}`, port.host_ip, port.protocol ?? "tcp");
  }
  const match = /^(?:([^:/]+):)?([^:/]+):([^:/]+?)(?:\/(tcp|udp))?$/.exec(port);
  if (match === null) return "expected [address:]host:container[/udp]: the port of the node has to be named";
  const [, address, host = "", container = "", protocol = "tcp"] = match;
  return publish(container, host, address, protocol === "udp" ? "udp" : "tcp");
}

/** `volume:/path[:ro]` or the long form; text that says what is wrong. */
export function parseVolumeMount(mount: FileMount): WorkloadContainer["mounts"][number] | string {
  if (typeof mount !== "string") {
    return { volume: mount.source, path: mount.target, readOnly: mount.read_only ?? false };
  }
  const [volume = "", path, mode = "rw", ...rest] = mount.split(":");
  if (/^[./~]/.test(volume)) return "folders of the node cannot be mounted: name a volume";
  if (path === undefined || rest.length > 0 || (mode !== "rw" && mode !== "ro")) return "expected volume:/path[:ro]";
  return { volume, path, readOnly: mode === "ro" };
}

function publish(
  target: string,
  published: string,
  hostIp: string | undefined,
  protocol: "tcp" | "udp",
): PublishedPort | string {
  const [containerPort, hostPort] = [parseWhole(target), parseWhole(published)];
  if (containerPort === undefined || hostPort === undefined) return "expected one port each: ranges are not supported";
  const address = addressOf(hostIp);
  if (address === undefined) {
    return `${hostIp} is no address to publish on: public-0 is the first reserved public IP, 127.0.0.1 the node's loopback`;
  }
  return { containerPort, hostPort, protocol, address };
}

function addressOf(hostIp: string | undefined): PublishedPort["address"] | undefined {
  if (hostIp === undefined || hostIp === "0.0.0.0") return "node";
  if (hostIp === "127.0.0.1" || hostIp === "localhost") return "loopback";
  const index = /^public-(\d{1,2})$/.exec(hostIp)?.[1];
  return index === undefined ? undefined : Number(index);
}
