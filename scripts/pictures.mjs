// Takes the pictures of the demo page, docs/pictures/*.png. It builds nothing but the server.
//
// The story has emoji and Japanese in it. Empty boxes in their place mean that fonts are missing: on
// Debian, `apt-get install fonts-noto-core fonts-noto-color-emoji fonts-noto-cjk`.
import { mkdirSync, statSync } from "node:fs";
import { chromium } from "playwright-core";
import { at, fail, read, startSessionServer } from "./project.mjs";

/** What has been talked about, the oldest first. The last one is shown mid-answer. */
const chats = [
  { agent: "echo", text: "Does anybody hear me?" },
  { agent: "story", text: "A bedtime story, 60 words" },
  { agent: "reasoning", text: "Ferry or bridge?" },
  { agent: "story", text: "A lighthouse story, 900 words" },
];

/** Below this chapter, what has been written by now is out of sight: nothing shows what time it is. */
const LAST_CHAPTER = "4. The Letter in the Bell";

/**
 * `of`: whose latest chat it shows. `top`: the text that stands at the upper edge; without it, the
 * beginning of the chat.
 */
const pictures = [
  { name: "chat-light", of: "story", width: 1120, height: 720, colorScheme: "light" },
  {
    name: "chat-dark",
    of: "story",
    width: 1120,
    height: 720,
    colorScheme: "dark",
    top: "2. The Borrowed Boat",
  },
  // Its thoughts are opened.
  { name: "chat-phone", of: "reasoning", width: 390, height: 780, isMobile: true, hasTouch: true },
];

/** They are committed, so they have to stay small. */
const MOST_BYTES = 300_000;

const url = await startSessionServer(["--page", at("examples/chat/dist")]);

const names = "chromium chromium-browser google-chrome google-chrome-stable";
const [executablePath] = read("bash", ["-c", `command -v ${names} || true`]).split("\n");
if (!executablePath) fail("The pictures need Chromium: run `make setup-browser`.");
const browser = await chromium.launch({
  executablePath,
  chromiumSandbox: false,
  args: ["--disable-gpu", "--disable-quic"],
});

/** The address of each agent's latest chat. */
const addresses = {};
const page = await browser.newPage();
await page.goto(url);
for (const { agent, text } of chats) {
  await page.getByTestId("new-chat").click();
  await page.getByTestId(`agent-${agent}`).check();
  await page.getByTestId("composer").fill(text);
  await page.getByTestId("composer").press("Enter");
  await page.locator('[data-role="user"]').waitFor();
  addresses[agent] = page.url();
  if (text !== chats.at(-1)?.text) await page.getByTestId("regenerate").waitFor();
}
await page.getByRole("heading", { name: LAST_CHAPTER }).waitFor();

const folder = at("docs/pictures");
mkdirSync(folder, { recursive: true });
for (const { name, of, width, height, top, ...options } of pictures) {
  const context = await browser.newContext({
    viewport: { width, height },
    deviceScaleFactor: 2,
    reducedMotion: "reduce",
    ...options,
  });
  const page = await context.newPage();
  await page.goto(addresses[of]);
  if (of === "reasoning") {
    await page.getByText("Thoughts").click();
    await page.locator("details .markdown").waitFor();
  } else {
    await page.getByRole("heading", { name: LAST_CHAPTER }).waitFor();
    await page.getByRole("log").evaluate((log, top) => {
      const heading = top && [...log.querySelectorAll("h3")].find((each) => each.innerText === top);
      log.scrollTo({ top: heading ? heading.offsetTop - 24 : 0 });
    }, top);
    // The way to the end shows once the page has noticed that it was scrolled.
    await page.getByRole("button", { name: "To the latest message" }).waitFor();
  }
  const path = `${folder}/${name}.png`;
  await page.screenshot({ path, animations: "disabled" });
  const { size } = statSync(path);
  if (size > MOST_BYTES) fail(`${name}.png has ${size} bytes, more than ${MOST_BYTES}.`);
  console.log(`docs/pictures/${name}.png: ${Math.round(size / 1000)} kB`);
}
await browser.close();
process.exit();
