// In:    require("http-parser-js"), where package.json overrides that package with this folder.
// Out:   headgate/http-parser.
// Never: parses.

module.exports = require("headgate/http-parser");
