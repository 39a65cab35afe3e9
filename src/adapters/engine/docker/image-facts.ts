import type Docker from "dockerode";
import { z } from "zod";

import { DEFAULT_PROGRAM_SECONDS, MAX_PROGRAM_SECONDS } from "../../../domain/engine-limits.ts";
import { SprfError } from "../../../errors.ts";
import type { PreparedProgram, ProgramReference } from "../../../ports/engine.ts";

const DIGEST = /^[0-9a-f]{64}$/;

const labelsSchema = z.object({
  "sprf.seconds": z
    .string()
    .regex(/^[1-9][0-9]{0,3}$/)
    .transform(Number)
    .pipe(z.number().max(MAX_PROGRAM_SECONDS))
    .optional(),
  "sprf.state": z.enum(["file", "directory"]).optional(),
});

/**
 * `host/repo@sha256:digest`: what the tag says is for people, the digest decides.
 *
 * @throws SprfError `INVALID_INPUT`
 */
export function pinnedImage(reference: ProgramReference): string {
  const { image, digest } = checkedImage(reference);
  const lastSlash = image.lastIndexOf("/");
  const tag = image.indexOf(":", lastSlash + 1);
  const repository = tag === -1 ? image : image.slice(0, tag);
  if (!/^[a-z0-9][a-zA-Z0-9._:/-]*$/.test(repository)) {
    throw new SprfError("INVALID_INPUT", "the image address is not host/repo:tag");
  }
  return `${repository}@sha256:${digest}`;
}

/** `sha256:digest`: an image of this machine by its id. @throws SprfError `INVALID_INPUT` */
export function localImage(reference: ProgramReference): string {
  return `sha256:${checkedImage(reference).digest}`;
}

/**
 * What an image's configuration says of the program.
 *
 * @throws SprfError `PROGRAM_INVALID`
 */
export function imageFacts({ Config: config, Os }: Docker.ImageInspectInfo): Omit<PreparedProgram, "reference"> {
  const labels = labelsSchema.safeParse(config.Labels ?? {});
  if (!labels.success) {
    throw refuse(`sprf.seconds must be 1 to ${MAX_PROGRAM_SECONDS}, sprf.state file or directory`, labels.error);
  }
  if (Os !== "linux") throw refuse(`it is for ${Os}, not for linux`);
  if (Object.keys(config.Volumes ?? {}).length > 0) {
    // Each would be a writable place without a limit.
    throw refuse("it declares volumes; a program writes to /sprf/state and /tmp only");
  }
  if ([config.Entrypoint ?? [], config.Cmd ?? []].flat().length === 0) throw refuse("it has no entrypoint");
  return {
    seconds: labels.data["sprf.seconds"] ?? DEFAULT_PROGRAM_SECONDS,
    state: labels.data["sprf.state"] ?? "file",
  };
}

function checkedImage(reference: ProgramReference): Extract<ProgramReference, { kind: "docker" }> {
  if (reference.kind !== "docker") throw new SprfError("INVALID_INPUT", "the docker engine runs images only");
  if (!DIGEST.test(reference.digest)) throw new SprfError("INVALID_INPUT", "the image digest is not 64 hex digits");
  return reference;
}

function refuse(why: string, cause?: unknown): SprfError {
  return new SprfError("PROGRAM_INVALID", `the image was refused: ${why}`, { cause });
}
