import { type DeviceId, isTwinfoldError, parseDeviceId, TwinfoldError } from "@twinfold/core";
import type { Context } from "../context.js";
import { withAccount } from "../device/sign-in.js";
import { formatTime } from "../output/format.js";
import { formatTable } from "../output/table.js";

export async function devices(context: Context): Promise<void> {
  await withAccount(context, async (api, { deviceId: own }) => {
    const listed = (await api.devices({ signal: context.signal })).map(({ deviceId, name, createdAtMs, lastSeenAtMs, revokedAtMs }) => ({
      deviceId,
      name,
      createdAtMs,
      lastSeenAtMs,
      revokedAtMs: revokedAtMs ?? null,
      current: deviceId === own,
    }));
    const rows = listed.map((one) => {
      const state = one.revokedAtMs === null ? (one.current ? "this one" : "") : `revoked ${formatTime(one.revokedAtMs)}`;
      return [one.deviceId, one.name, formatTime(one.lastSeenAtMs), state];
    });
    context.output.answer({ devices: listed }, formatTable(["ID", "NAME", "LAST SEEN", ""], rows));
  });
}

export async function revokeDevice(context: Context, id: string): Promise<void> {
  const deviceId = parseId(id);
  await withAccount(context, async (api) => {
    await api.revokeDevice(deviceId, { signal: context.signal });
    context.output.answer({ deviceId, revoked: true }, `The device ${deviceId} is logged out for good.`);
  });
}

function parseId(id: string): DeviceId {
  try {
    return parseDeviceId(id);
  } catch (cause) {
    if (!isTwinfoldError(cause)) throw cause;
    throw new TwinfoldError("ERR_USAGE", `${cause.message}: \`twinfold devices\` lists them`, { cause });
  }
}
