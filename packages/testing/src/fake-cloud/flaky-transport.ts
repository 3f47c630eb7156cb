import { type Transport, TwinfoldError } from "@twinfold/core";

/** What becomes of one request. `request-lost`: the hub never sees it. `answer-lost`: the hub has done it, and nobody is told. */
export type Fate = "arrives" | "request-lost" | "answer-lost";

/** A transport that loses what `nextFate` says. A download whose answer is lost breaks off after its first frame. */
export function flakyTransport(inner: Transport, nextFate: () => Fate): Transport {
  const calling =
    <Args extends readonly unknown[], Answer>(call: (...args: Args) => Promise<Answer>) =>
    async (...args: Args): Promise<Answer> => {
      const fate = nextFate();
      if (fate === "request-lost") throw unreachable();
      const answer = await call(...args);
      if (fate === "answer-lost") throw unreachable();
      return answer;
    };

  return {
    hello: calling(inner.hello),
    changes: calling(inner.changes),
    outcomes: calling(inner.outcomes),
    wait: calling(inner.wait),
    heads: calling(inner.heads),
    manifests: calling(inner.manifests),
    versions: calling(inner.versions),
    missing: calling(inner.missing),
    draft: calling(inner.draft),
    sketches: calling(inner.sketches),
    upload: calling(inner.upload),
    commit: calling(inner.commit),
    async *download(request, options) {
      const fate = nextFate();
      if (fate === "request-lost") throw unreachable();
      for await (const frame of inner.download(request, options)) {
        yield frame;
        if (fate === "answer-lost") throw unreachable();
      }
    },
  };
}

function unreachable(): TwinfoldError {
  return new TwinfoldError("ERR_UNREACHABLE", "the fake cloud's network lost a request or its answer, as the seed wills; sync again");
}
