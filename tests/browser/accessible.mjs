// accessible.mjs -- what axe-core finds in a page; that which is serious must be nothing.
import assert from 'node:assert/strict';
import axe from 'axe-core';

// Injected from outside the page, whose Content-Security-Policy runs nothing that is written into it.
// rules: names of those that are to be looked at; all of them if it is left out.
export async function accessible(page, where, rules = null) {
    if (!await page.evaluate(() => 'axe' in globalThis))
        await page.evaluate(axe.source);
    const found = await page.evaluate(async (only) => {
        // What is still on its way to where it will stand has the contrast of nothing: it is there at once.
        for (const one of document.getAnimations())
            if (one.effect.getTiming().iterations !== Infinity)
                one.finish();
        const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'], ...(only ? { runOnly: only } : {}) });
        return violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, nodes: nodes.slice(0, 3).map((node) => `${node.target}: ${node.failureSummary}`) }));
    }, rules);
    const serious = found.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    assert.deepEqual(serious, [], `axe-core on ${where}`);
}
