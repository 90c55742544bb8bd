/** Stands for a style sheet: jsdom lays nothing out. */
module.exports = {};
