/** What to do instead of a key of Compose that a node does not know. */
const HINTS: Readonly<Record<string, string>> = {
  build: "build the image, push it and name its digest under image",
  cap_add: "containers have the capabilities that databases need, and no others",
  configs: "put it in a variable or in the image",
  container_name: "a container is named for its service",
  cpus: "use deploy.resources.limits.cpus",
  depends_on: "services start in the order of the file, each when the one before is healthy",
  devices: "devices of a node are not shared",
  dns: "services find each other by name; the rest is the node's",
  env_file: "write the variables under environment",
  expose: "services of one deployment reach each other on all ports",
  extends: "write the service out, or use a YAML anchor",
  hostname: "a container is named for its service",
  include: "one file is one deployment",
  init: "use an image with an init",
  labels: "leave it out: nobody would read it",
  links: "services find each other by name",
  logging: "the node keeps the logs; read them with `sprf grid logs`",
  mem_limit: "use deploy.resources.limits.memory",
  network_mode: "a deployment has one network of its own",
  networks: "a deployment has one network of its own",
  privileged: "no container is privileged",
  profiles: "one file is one deployment",
  pull_policy: "a digest is fetched once and never changes",
  replicas: "write one service for each",
  reservations: "limits are reserved: use limits",
  scale: "write one service for each",
  secrets: "name the variable that gets a secret under x-sprf-secrets",
  security_opt: "containers get no new privileges in any case",
  tmpfs: "use a volume",
  ulimits: "the node sets them",
  version: "leave it out: Compose no longer reads it either",
};

/** Why a key is refused, in one line. */
export function refuseKey(key: string): string {
  const hint = HINTS[key];
  return hint === undefined ? `${key} is not supported` : `${key} is not supported: ${hint}`;
}
