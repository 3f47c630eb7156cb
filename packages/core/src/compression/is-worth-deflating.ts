/** What is shorter gains less than a frame's header has bytes. */
const MIN_BYTES = 256;
const SAMPLES = 4;
const SAMPLE_BYTES = 256;

/**
 * Whether a look at four places, 1 KiB together, promises that deflate makes `bytes` smaller. Some 6 µs (measured, Node 20): less than to compress the sample.
 *
 * Counts how often two bytes of the sample are equal: of random, compressed or encrypted bytes one pair in 256 is, of text one in 15, of base64 one in 64.
 * A quarter more than chance is enough: of a whole sample that is eleven standard deviations. Repetition of what looks random is not seen.
 */
export function isWorthDeflating(bytes: Uint8Array): boolean {
  if (bytes.length < MIN_BYTES) return false;
  const counts = new Uint16Array(256);
  let sampled = 0;
  let equalPairs = 0;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const start = Math.floor((sample * bytes.length) / SAMPLES);
    const end = Math.min(bytes.length, start + SAMPLE_BYTES, Math.floor(((sample + 1) * bytes.length) / SAMPLES));
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      const before = counts[byte] as number;
      equalPairs += before;
      counts[byte] = before + 1;
    }
    sampled += end - start;
  }
  return equalPairs > (1.25 * sampled * (sampled - 1)) / 2 / 256;
}
