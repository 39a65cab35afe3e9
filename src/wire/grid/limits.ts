/** The largest workload in its canonical encoding: room for configuration files in variables, and for nothing like an image. */
export const MAX_WORKLOAD_BYTES = 256 * 1024;
export const MAX_CONTAINERS = 16;
export const MAX_VOLUMES = 16;
/** Public IPs that one deployment may reserve. */
export const MAX_PUBLIC_IPS = 16;
/** Published ports of one container. */
export const MAX_PORTS = 32;
/** Mounts of one container. */
export const MAX_MOUNTS = 16;
/** Words of a command, entrypoint or health check. */
export const MAX_WORDS = 256;
/** UTF-8 bytes of one such word, and of one variable's value. */
export const MAX_TEXT_BYTES = 32 * 1024;
/** Variables of one container. */
export const MAX_VARIABLES = 256;
/** Secrets of one deployment. */
export const MAX_SECRETS = 64;
/** UTF-8 bytes of one secret. */
export const MAX_SECRET_BYTES = 16 * 1024;
/** All secrets of a deployment in their canonical encoding. */
export const MAX_SECRETS_BYTES = 64 * 1024;
/** The random salt of a workload, without which whoever guesses a workload could take its hash first. */
export const WORKLOAD_SALT_BYTES = 16;
/** What hides secrets of little entropy from whoever sees their hash. */
export const SECRETS_BLINDING_BYTES = 16;
/** Of one deployment. */
export const MAX_CORES = 1_024;
/** A hundredth of a core; Docker refuses less. */
export const MIN_MILLICORES = 10;
/** 1 PiB, of memory or of one volume. */
export const MAX_SIZE_BYTES = 2n ** 50n;
/** Docker refuses less. */
export const MIN_MEMORY_BYTES = 6n * 1024n * 1024n;
/** An hour, for intervals of health checks. */
export const MAX_HEALTH_MS = 3_600_000;
/**
 * A deployment's data on the chain, sealed: `MAX_DATA_BYTES` of GridContracts. It is in calldata and in an event and never in
 * storage, at up to 40 + 8 gas a byte (EIP-7623, LOG): 8 KiB cost up to 0.4 million gas, about what the contract itself costs. A
 * database with a secret takes 0.8 KiB.
 */
export const MAX_DEPLOYMENT_DATA_BYTES = 8 * 1024;
