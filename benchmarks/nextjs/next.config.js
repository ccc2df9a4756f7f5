module.exports = { poweredByHeader: false, outputFileTracingRoot: __dirname };
