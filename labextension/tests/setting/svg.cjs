/** Stands for the text of an icon of Lab's. */
module.exports = '<svg xmlns="http://www.w3.org/2000/svg"></svg>';
