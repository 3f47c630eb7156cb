import { ownFolder } from "./differences.js";
import { readHubTree } from "./hub-tree.js";
import type { Payload } from "./ledger.js";
import { seenPayloads, type WorldView } from "./oracle.js";
import type { SimDevice } from "./sim-device.js";

/** Where each payload is that is to be on a device, by the nodes' own paths. */
export async function heldPayloads(world: WorldView): Promise<ReadonlyMap<SimDevice, ReadonlyMap<Payload, readonly string[]>>> {
  const hub = await readHubTree(world);
  return new Map(world.devices.map((device) => [device, seenPayloads(ownFolder(device, hub).held, world.ledger)]));
}

/** What stands on some device where that is not to hold it: it is nobody's business but that device's. */
export async function payloadsApart(world: WorldView): Promise<ReadonlySet<Payload>> {
  const held = await heldPayloads(world);
  const apart = new Set<Payload>();
  for (const device of world.devices) {
    for (const [payload, paths] of seenPayloads(device.folder.entries(), world.ledger))
      if (paths.length > (held.get(device)?.get(payload)?.length ?? 0)) apart.add(payload);
  }
  return apart;
}

/**
 * True when somebody put it where ignore rules, or the choice of a device's link, may have kept it apart: then one device may have lost it,
 * or have it twice, without the others.
 */
export function mayHaveBeenApart({ places }: Payload, { ledger, devices }: Pick<WorldView, "ledger" | "devices">): boolean {
  const ruled = new Set([...ledger.ruledNames].map(folded));
  return places.some(({ device, path }) => {
    const names = path.split("/");
    const only = devices.find(({ name }) => name === device)?.spec.only;
    return names.some((name) => ruled.has(folded(name))) || (only !== undefined && !only.includes(names[0] ?? ""));
  });
}

function folded(name: string): string {
  return name.normalize("NFC").toLowerCase();
}
