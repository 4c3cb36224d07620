/**
 * page: the dashboard in a headless Chromium, as a person would use it. Skips loudly where there is no Chromium.
 * Used against a ControlAgent of a test (dashboard.test.ts) and against a whole engine.
 */
import { existsSync } from 'node:fs';
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';

export const CHROMIUM_PATH = '/usr/bin/chromium';
const DEADLINE_MS = 40_000;

/** A reason to skip, or false. */
export const noChromium: string | false = existsSync(CHROMIUM_PATH)
  ? false
  : `THE DASHBOARD IS NOT TESTED: there is no ${CHROMIUM_PATH} (apt-get install chromium)`;

export class DashboardPage {
  readonly page: Page;
  /** What the page wrote to its console as an error, and what it threw. */
  readonly errors: string[] = [];
  readonly #browser: Browser;

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.page = page;
    page.on('pageerror', (error) => this.errors.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(message.text());
    });
  }

  /** `url` as it is printed on the terminal: with `#key=…` the page opens by itself. */
  static async open(url: string): Promise<DashboardPage> {
    const browser = await chromium.launch({
      executablePath: CHROMIUM_PATH,
      headless: true,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
      ],
    });
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(DEADLINE_MS);
    const dashboard = new DashboardPage(browser, page);
    await page.goto(url);
    return dashboard;
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }

  async connection(): Promise<string> {
    return (await this.page.getAttribute('body', 'data-connection')) ?? '';
  }

  async waitForConnection(wanted: 'open' | 'lost' | 'locked'): Promise<void> {
    await this.page.waitForSelector(`body[data-connection="${wanted}"]`);
  }

  /** Active, Reducing, Halted, Starting. */
  async tradingState(): Promise<string> {
    return (await this.page.getAttribute('#trading', 'data-state')) ?? '';
  }

  async waitForTradingState(wanted: string): Promise<void> {
    await this.page.waitForSelector(`#trading[data-state="${wanted}"]`);
  }

  /** The text of the element with this id. */
  async text(id: string): Promise<string> {
    return (await this.page.textContent(`#${id}`)) ?? '';
  }

  /** Waits until the element shows another text than now; returns it. */
  async waitForChange(id: string): Promise<string> {
    const before = await this.text(id);
    await until(async () => (await this.text(id)) !== before, `${id} changes from "${before}"`);
    return this.text(id);
  }

  async waitForText(id: string, wanted: RegExp): Promise<void> {
    await until(async () => wanted.test(await this.text(id)), `${id} shows ${String(wanted)}`);
  }

  /** Columns of the venues table. */
  async venues(): Promise<string[]> {
    return this.page.$$eval('#venues-head .venue span', (names) =>
      names.map((name) => name.textContent),
    );
  }

  /** Its rows. */
  async assets(): Promise<string[]> {
    return this.page.$$eval('#venues .asset b', (names) => names.map((name) => name.textContent));
  }

  async quoteCount(): Promise<number> {
    return this.page.locator('#venues .quote').count();
  }

  async waitForFair(asset: string): Promise<void> {
    await until(async () => /^\d/.test((await this.fair(asset)).price), `a fair price of ${asset}`);
  }

  async fair(asset: string): Promise<{ price: string; confidence: string; text: string }> {
    const place = (await this.assets()).indexOf(asset);
    if (place < 0) return { price: '', confidence: '', text: '' };
    const line = this.page.locator('#venues tr').nth(place);
    return {
      price: (await line.locator('.price').textContent()) ?? '',
      confidence: (await line.locator('.conf span').first().textContent()) ?? '',
      text: (await line.locator('.conf').innerText()).replace(/\s+/g, ' '),
    };
  }

  /** What stands in the table for an asset at a venue. */
  async quote(
    venue: string,
    asset: string,
  ): Promise<{ state: string; bid: string; ask: string; text: string; isRed: boolean }> {
    const box = await this.#quoteBox(venue, asset);
    const color: string = await box.evaluate(
      (element) => element.ownerDocument.defaultView.getComputedStyle(element).backgroundColor,
    );
    const [red = 0, green = 0, blue = 0] = (color.match(/\d+/g) ?? []).map(Number);
    return {
      state: (await box.getAttribute('data-state')) ?? '',
      bid: (await box.locator('.top span').first().textContent()) ?? '',
      ask: (await box.locator('.top span').last().textContent()) ?? '',
      text: (await box.innerText()).replace(/\s+/g, ' '),
      isRed: red > 2 * green && red > 2 * blue,
    };
  }

  /** Whether bid and ask can be read. */
  async isQuoteShown(venue: string, asset: string): Promise<boolean> {
    return (await this.#quoteBox(venue, asset)).locator('.top').isVisible();
  }

  async waitForQuoteState(venue: string, asset: string, wanted: string): Promise<void> {
    await until(
      async () => (await this.quote(venue, asset)).state === wanted,
      `${asset} at ${venue} is ${wanted}`,
    );
  }

  /** Clicks on it: the book and the charts are of it from now on. */
  async choose(venue: string, asset: string): Promise<void> {
    await (await this.#quoteBox(venue, asset)).click();
  }

  async venueText(venue: string): Promise<string> {
    return (await this.#venueBox(venue)).innerText();
  }

  async canReconnect(venue: string): Promise<boolean> {
    return (await this.#venueBox(venue)).locator('button').isVisible();
  }

  async reconnect(venue: string): Promise<void> {
    await (await this.#venueBox(venue)).locator('button').click();
  }

  async #venueBox(venue: string): Promise<Locator> {
    return this.page.locator('#venues-head .venue').nth((await this.venues()).indexOf(venue));
  }

  async #quoteBox(venue: string, asset: string): Promise<Locator> {
    const [line, column] = [
      (await this.assets()).indexOf(asset),
      (await this.venues()).indexOf(venue) + 1,
    ];
    return this.page
      .locator('#venues tr')
      .nth(line)
      .locator('td')
      .nth(column)
      .locator('.quote')
      .first();
  }

  /** Best bid of the book, as it is shown. */
  async bestBid(): Promise<string> {
    return (await this.page.textContent('#book .bid span:last-of-type')) ?? '';
  }

  /** Rows of a table: positions, orders, fills, latency. */
  async rows(id: string): Promise<string[][]> {
    return this.page.$$eval(`#${id} tr`, (lines) =>
      lines.map((line) => [...line.querySelectorAll('td')].map((box) => box.textContent)),
    );
  }

  async waitForRows(id: string, count: number): Promise<void> {
    const cells = `#${id} td:not(.empty):first-child`;
    await until(
      async () => (await this.page.locator(cells).count()) >= count,
      `${id} has ${String(count)} rows`,
    );
  }

  async halt(): Promise<void> {
    await this.page.click('#halt:enabled');
  }

  /** Resuming is asked twice. */
  async resume(): Promise<void> {
    await this.page.click('#resume:enabled');
    await this.page.click('#resume.sure:enabled');
  }

  async giveKey(key: string): Promise<void> {
    await this.page.fill('#ask-key', key);
    await this.page.click('#ask-form button');
  }

  async screenshot(path: string): Promise<void> {
    await this.page.screenshot({ path });
  }
}

async function until(isReached: () => Promise<boolean>, what: string): Promise<void> {
  const deadlineMs = Date.now() + DEADLINE_MS;
  while (!(await isReached())) {
    if (Date.now() > deadlineMs) throw new Error(`waited too long: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
