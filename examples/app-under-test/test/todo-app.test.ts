import { fakeCloud } from "@twinfold/testing";
import { describe, expect, it } from "vitest";
import { createFilePerTaskTodoApp } from "../src/file-per-task-todo-app.js";
import { createOneFileTodoApp } from "../src/one-file-todo-app.js";
import type { Folder, TodoApp } from "../src/todo-app.js";

const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);

/** What two people see in the end who add a task each, six times, and finish every other one, while sync does what the seed wills. */
async function story(createApp: (folder: Folder) => TodoApp, seed: number) {
  const cloud = fakeCloud({ seed, flaky: 0.2 });
  const apps = ["laptop", "phone"].map((name) => ({ name, app: createApp(cloud.client(name).folder) }));
  for (let n = 1; n <= 6; n++) {
    for (const { name, app } of apps) {
      app.add(`${name}: task ${n}`);
      await cloud.stir();
      if (n % 2 === 0) app.finish(`${name}: task ${n}`);
      await cloud.stir();
    }
  }
  await cloud.settle();
  return apps.map(({ app }) => ({ open: app.tasks("open").sort(), done: app.tasks("done").sort() }));
}

const tasksOf = (name: string, ...numbers: readonly number[]): string[] => numbers.map((n) => `${name}: task ${n}`);
const EXPECTED = {
  open: [...tasksOf("laptop", 1, 3, 5), ...tasksOf("phone", 1, 3, 5)],
  done: [...tasksOf("laptop", 2, 4, 6), ...tasksOf("phone", 2, 4, 6)],
};

describe.each([
  ["with all tasks in one file", createOneFileTodoApp],
  ["with a file for each task", createFilePerTaskTodoApp],
])("the to-do app %s", (_, createApp) => {
  it("works on one device", () => {
    const app = createApp(fakeCloud().client("laptop").folder);
    for (const task of ["water the plants", "50 % off: a/b"]) app.add(task);
    app.finish("water the plants");
    app.finish("never added");
    expect([app.tasks("open"), app.tasks("done")]).toEqual([["50 % off: a/b"], ["water the plants"]]);
  });

  it("works on two devices that sync after every step", async () => {
    const cloud = fakeCloud();
    const [laptop, phone] = [cloud.client("laptop"), cloud.client("phone")];
    const apps = [laptop, phone].map(({ folder }) => createApp(folder));
    for (const task of ["one", "two"]) {
      for (const app of apps) {
        app.add(`${task} of ${apps.indexOf(app)}`);
        await cloud.settle();
      }
    }
    for (const app of apps) expect(app.tasks("open").sort()).toEqual(["one of 0", "one of 1", "two of 0", "two of 1"]);
  });
});

describe("sync at its worst", () => {
  it("finds the bug of the one file: tasks are lost", async () => {
    const ends = await Promise.all(SEEDS.map((seed) => story(createOneFileTodoApp, seed)));
    const lossy = ends.filter(([laptop]) => (laptop?.open.length ?? 0) + (laptop?.done.length ?? 0) < 12);
    expect(lossy.length).toBeGreaterThan(SEEDS.length / 2);
  });

  it.each(SEEDS)("takes no task from the app with a file for each: seed %i", async (seed) => {
    for (const seen of await story(createFilePerTaskTodoApp, seed)) expect(seen).toEqual(EXPECTED);
  });

  it("shows a task once that both devices add, and as done that both finish", async () => {
    const cloud = fakeCloud();
    const apps = ["laptop", "phone"].map((name) => createFilePerTaskTodoApp(cloud.client(name).folder));
    for (const app of apps) app.add("water the plants");
    await cloud.settle();
    for (const app of apps) expect(app.tasks("open")).toEqual(["water the plants"]);
    for (const app of apps) app.finish("water the plants");
    await cloud.settle();
    for (const app of apps) expect([app.tasks("open"), app.tasks("done")]).toEqual([[], ["water the plants"]]);
  });

  it("shows a task once that is in conflict", async () => {
    const cloud = fakeCloud();
    const app = createFilePerTaskTodoApp(cloud.client("laptop").folder);
    app.add("water the plants");
    await cloud.settle();
    await cloud.conflict(`open/${encodeURIComponent("water the plants")}`);
    await cloud.settle();
    expect(cloud.client("laptop").folder.files().size).toBe(3);
    expect(app.tasks("open")).toEqual(["water the plants"]);
  });
});
