import { decode, journalRowCodec } from "@twinfold/core";
import type { Oracle } from "../oracle.js";

/** In it a pass that was under way when the disk went has long ended. */
const PASS_MS = 120_000;

/** What the engine takes away from people goes to the trash, and a device whose folder is not there deletes nothing. */
export function nothingUnlinked(): Oracle {
  return {
    id: "I15",
    onUnlink: (what, fail) => fail(`${what}, where only the trash may take it`),
    async onAppended({ rows }, { devices }, fail) {
      for (const change of rows) {
        if (change.table !== "journal") continue;
        const { head, deviceId } = decode(journalRowCodec, change.row.body);
        const device = devices.find((each) => each.deviceId === deviceId);
        if (head.deleted && device !== undefined && device.awayMs > PASS_MS)
          fail(`${device.name} deleted ${head.place.name}, and its folder has not been there for ${Math.floor(device.awayMs / 1000)} s`);
      }
    },
  };
}
