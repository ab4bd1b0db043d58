module sallyport/bench/reverseproxy

go 1.22
