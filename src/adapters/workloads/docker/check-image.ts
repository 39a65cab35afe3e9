import type Docker from "dockerode";

import { SprfError } from "../../../errors.ts";
import type { WorkloadContainer } from "../../../ports/workloads.ts";
import { read } from "./docker-calls.ts";

/**
 * Refuses an image that declares volumes for which the workload has none: Docker would make some without a name, whose data is
 * lost with the next update and whose size nobody measures.
 *
 * @throws SprfError `WORKLOAD_INVALID`
 */
export async function checkDeclaredVolumes(
  docker: Docker,
  { name, image, volumes }: WorkloadContainer,
  signal?: AbortSignal,
): Promise<void> {
  const { Config: config } = await read(docker.getImage(image).inspect(), "the image cannot be inspected", signal);
  const declared = Object.keys(config.Volumes ?? {});
  const missing = declared.find((path) => !volumes.some((volume) => withoutSlash(volume.path) === withoutSlash(path)));
  if (missing === undefined) return;
  throw new SprfError(
    "WORKLOAD_INVALID",
    `the image of container ${name} declares a volume: give it one at ${missing}`,
  );
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, "");
}
