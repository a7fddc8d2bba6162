// A race that was saved: the document is in the page.
'use strict';

racePage(document.querySelector('main'))(JSON.parse(document.getElementById('document').textContent));
document.documentElement.dataset.drawn = 'yes';
