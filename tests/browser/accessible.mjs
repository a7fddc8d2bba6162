// accessible.mjs -- what axe-core finds in a page; that which is serious must be nothing.
import assert from 'node:assert/strict';
import axe from 'axe-core';

// Injected from outside the page, whose Content-Security-Policy runs nothing that is written into it.
export async function accessible(page, where) {
    await page.evaluate(axe.source);
    const found = await page.evaluate(async () => {
        const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
        return violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, nodes: nodes.slice(0, 3).map((node) => `${node.target}: ${node.failureSummary}`) }));
    });
    const serious = found.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    assert.deepEqual(serious, [], `axe-core on ${where}`);
}
