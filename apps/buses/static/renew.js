// The page shows now: it comes anew every ten seconds, unless somebody is about to press a button.
setInterval(() => document.activeElement?.matches("button") || location.reload(), 10_000);
