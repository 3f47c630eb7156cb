import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { killGateway, missingS3Server, type S3Server, startGateway, startS3Server, stopS3Server } from "../../../scripts/s3-server.mjs";
import { differences } from "./folders.js";
import { seededRandom } from "./seeded-random.js";
import { startServer, startTwinfold, temporaryFolder, twinfold } from "./twinfold.js";
import { syncOnce, twins } from "./twins.js";

const missing = missingS3Server();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

describe.skipIf(missing !== undefined)(`a server that keeps its blobs on S3${missing === undefined ? "" : ` [${missing}]`}`, () => {
  let s3: S3Server;
  let keys: NodeJS.ProcessEnv;
  beforeAll(async () => {
    s3 = await startS3Server(await mkdtemp(join(tmpdir(), "twinfold-s3-")));
    keys = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey };
    await asAdmin((client) => client.send(new CreateBucketCommand({ Bucket: "twins" })));
  }, 180_000);
  afterAll(() => stopS3Server(s3.folder));

  async function asAdmin<T>(work: (client: S3Client) => Promise<T>): Promise<T> {
    const { endpoint, region, accessKeyId, secretAccessKey } = s3;
    const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
    return await work(client).finally(() => client.destroy());
  }

  const blobsAt = (prefix: string, bucket = "twins") => `s3://${bucket}/${prefix}?endpoint=${encodeURIComponent(s3.endpoint)}`;
  const serveArgs = (data: string, blobs: string) => ["serve", "--data", data, "--listen", "127.0.0.1:0", "--blobs", blobs, "--json"];

  it("makes two folders twins, and has no bytes of files in its data folder", async () => {
    const data = await temporaryFolder();
    const blobs = blobsAt("first");
    const running = startTwinfold(serveArgs(data, blobs), { environment: keys });
    const { url } = JSON.parse(await running.line((line) => line.includes('"url"'))) as { url: string };
    const [laptop, phone] = await twins(url);
    const random = seededRandom(7);
    await mkdir(join(laptop.folder, "photos"));
    for (let at = 0; at < 50; at++) await writeFile(join(laptop.folder, "photos", `${at}.jpg`), random.bytes(1 + random.below(100_000)));
    await writeFile(join(laptop.folder, "video.mp4"), random.bytes(20 * 1024 * 1024));

    for (const twin of [laptop, phone]) expect(await syncOnce(twin)).toMatchObject({ code: 0, json: { inSync: true } });

    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
    expect(await readdir(data)).not.toContain("blobs");
    const { Contents = [] } = await asAdmin((client) => client.send(new ListObjectsV2Command({ Bucket: "twins", Prefix: "first/packs/" })));
    expect(Contents.reduce((sum, { Size = 0 }) => sum + Size, 0)).toBeGreaterThan(20 * 1024 * 1024);
    await running.stop();

    const elsewhere = await twinfold(["serve", "--data", data, "--listen", "127.0.0.1:0", "--json"]);
    expect(elsewhere).toMatchObject({
      code: 1,
      json: { error: { code: "ERR_INVALID_ARGUMENT", message: expect.stringContaining("are in s3://twins/first") } },
    });
  });

  it("says of an outage of S3 that it may be tried again, and loses nothing by it", async () => {
    const running = startTwinfold(serveArgs(await temporaryFolder(), blobsAt("outage")), { environment: keys });
    const { url } = JSON.parse(await running.line((line) => line.includes('"url"'))) as { url: string };
    const [laptop, phone] = await twins(url);
    await writeFile(join(laptop.folder, "before.txt"), "before");
    expect(await syncOnce(laptop)).toMatchObject({ code: 0 });

    await killGateway(s3);
    await writeFile(join(laptop.folder, "during.txt"), "during");
    const without = await syncOnce(laptop);
    expect(without.code, without.stdout).toBe(1);
    expect(without.stdout).toContain("storage does not answer just now");
    await startGateway(s3);

    for (const twin of [laptop, phone]) expect(await syncOnce(twin)).toMatchObject({ code: 0, json: { inSync: true } });
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
    expect(await readFile(join(phone.folder, "during.txt"), "utf8")).toBe("during");
  });

  it("says at its start what is wrong with the bucket or the keys, and shows no key", async () => {
    for (const [blobs, environment, code, says] of [
      [blobsAt("first", "no-such-bucket"), keys, "ERR_STORE_FAILED", "create it"],
      [blobsAt("first"), { ...keys, AWS_SECRET_ACCESS_KEY: "not-the-secret-key" }, "ERR_PERMISSION_DENIED", "AWS_ACCESS_KEY_ID"],
      ["s3://twins/first?endpoint=http%3A%2F%2F127.0.0.1%3A1", keys, "ERR_STORE_UNAVAILABLE", "ECONNREFUSED"],
    ] as const) {
      const { code: exit, json, stdout, stderr } = await twinfold(serveArgs(await temporaryFolder(), blobs), { environment });
      expect(exit).toBe(1);
      expect(json).toMatchObject({ error: { code, message: expect.stringContaining(says) } });
      expect(stdout + stderr).not.toContain("not-the-secret-key");
      expect(stdout + stderr).not.toContain(s3.secretAccessKey);
    }
  });

  it("goes on where it was when the blobs of its data folder were copied to S3", async () => {
    const data = await temporaryFolder();
    const { url, running } = await startServer(data);
    const [laptop, phone] = await twins(url);
    await writeFile(join(laptop.folder, "notes.txt"), "from the folder");
    expect(await syncOnce(laptop)).toMatchObject({ code: 0 });
    await running.stop();

    const args = [...serveArgs(data, blobsAt("moved")), "--listen", new URL(url).host];
    const tooEarly = await twinfold(args, { environment: keys });
    expect(tooEarly).toMatchObject({ code: 1, json: { error: { code: "ERR_INVALID_ARGUMENT", message: expect.stringContaining("blobs-at") } } });

    const blobs = join(data, "blobs");
    for (const entry of await readdir(join(blobs, "packs"), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const Key = `moved/${relative(blobs, path).replaceAll(sep, "/")}`;
      const Body = await readFile(path);
      await asAdmin((client) => client.send(new PutObjectCommand({ Bucket: "twins", Key, Body })));
    }
    await rm(blobs, { recursive: true });
    await writeFile(join(data, "blobs-at"), "s3://twins/moved\n");
    await startTwinfold(args, { environment: keys }).line((line) => line.includes('"url"'));
    expect(await syncOnce(phone)).toMatchObject({ code: 0, json: { inSync: true } });
    expect(await readFile(join(phone.folder, "notes.txt"), "utf8")).toBe("from the folder");
  });
});

describe("twinfold serve --blobs", () => {
  it.each(["s3://", "s3://bucket?secret=x", "s3://key:hidden@bucket/prefix", "http://bucket/prefix", "s3://bucket?path-style=maybe"])(
    "refuses %s as wrong usage, and shows no key",
    async (blobs) => {
      const { code, json, stdout, stderr } = await twinfold(["serve", "--data", await temporaryFolder(), "--blobs", blobs, "--json"]);
      expect(code).toBe(2);
      expect(json).toMatchObject({ error: { code: "ERR_USAGE", message: expect.stringContaining("s3://BUCKET") } });
      expect(stdout + stderr).not.toContain("hidden");
    },
  );

  it("shows with --print-config where the blobs are", async () => {
    const args = ["serve", "--blobs", "s3://twins/a/b?endpoint=https://s3.example.com&region=here&path-style=false", "--print-config", "--json"];
    const { json } = await twinfold(args);
    expect(json.blobs).toEqual({ bucket: "twins", prefix: "a/b", endpoint: "https://s3.example.com", region: "here", forcePathStyle: false });
  });
});
